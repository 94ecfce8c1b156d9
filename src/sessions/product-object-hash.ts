import canonicalize from 'canonicalize';
import { sha256Hex } from '../core/sha256.ts';

/**
 * Lowercase hex SHA-256 of the RFC 8785 form of a JSON text. RFC 8785 covers neither lone surrogates nor numbers
 * beyond the range of a double: a lone surrogate counts as its escape, and such a number as the nearest double.
 */
export async function productObjectHash(text: string): Promise<string> {
	return sha256Hex(canonicalize(withFiniteNumbers(JSON.parse(text))) ?? '');
}

/** Replaces each infinite number by the nearest finite one, in place. */
function withFiniteNumbers(value: unknown): unknown {
	if (typeof value === 'number') {
		return Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE);
	}
	if (typeof value !== 'object' || value === null) return value;
	if (Array.isArray(value)) {
		for (let at = 0; at < value.length; at += 1) {
			const item: unknown = value[at];
			const finite = withFiniteNumbers(item);
			if (finite !== item) value[at] = finite;
		}
		return value;
	}
	const members = value as Record<string, unknown>;
	for (const name in members) {
		const member = members[name];
		const finite = withFiniteNumbers(member);
		// Write only changed members: writing each one would slow down large objects.
		if (finite !== member) members[name] = finite;
	}
	return value;
}
