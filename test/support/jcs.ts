import { type Json, Members, NumberLiteral, readJson } from '../../scripts/conformance/ordered-json.ts';

/**
 * The RFC 8785 form of a JSON value. It shares no code with the service, because tests compare the service's hashes
 * with it. A number beyond the range of a double counts as the nearest double, as documented.
 */
function canonical(value: Json): string {
	if (value instanceof NumberLiteral) {
		const number = Number(value.literal);
		if (Number.isFinite(number)) return String(number);
		return String(number > 0 ? Number.MAX_VALUE : -Number.MAX_VALUE);
	}
	if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
	if (value instanceof Members) {
		// Section 3.2.3: members are sorted by the UTF-16 code units of their names, as `<` compares strings.
		const sorted = [...value.list].sort(([a], [b]) => (a < b ? -1 : 1));
		return `{${sorted.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
	}
	return JSON.stringify(value);
}

/** Lowercase hex SHA-256 of the RFC 8785 form of a JSON text. */
export async function canonicalHash(text: string): Promise<string> {
	const bytes = new TextEncoder().encode(canonical(readJson(text)));
	const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
	return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
