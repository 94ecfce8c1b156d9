import canonicalize from 'canonicalize';
import { sha256Hex } from '../../core/sha256.ts';

/** Digits or an exponent that could lie beyond a double's range; only then is each number looked at. */
const MAYBE_BEYOND_RANGE = /\d{300}|[eE]\+?\d{3}/;

/**
 * Lowercase hex SHA-256 of the RFC 8785 form of a JSON text. RFC 8785 knows only finite numbers: one beyond the range
 * counts as the double nearest to it.
 */
export async function productObjectHash(text: string): Promise<string> {
	const value: unknown = MAYBE_BEYOND_RANGE.test(text)
		? JSON.parse(text, (_, member: unknown) =>
				typeof member === 'number' ? Math.min(Math.max(member, -Number.MAX_VALUE), Number.MAX_VALUE) : member,
			)
		: JSON.parse(text);
	return sha256Hex(canonicalize(value) ?? '');
}
