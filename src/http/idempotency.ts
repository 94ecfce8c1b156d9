import { validationError } from '../core/errors.ts';
import { sha256Hex } from '../core/sha256.ts';

/** A retry's name for what it repeats, and a digest of what it asks for. */
export interface Idempotency {
	key: string;
	fingerprint: string;
}

const KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * Reads the Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header) of a request that asks for
 * `content`. Undefined without one; throws VALIDATION_ERROR when it is not 1–255 visible ASCII characters.
 */
export async function idempotencyOf(
	key: string | undefined,
	content: readonly (string | null)[],
): Promise<Idempotency | undefined> {
	if (key === undefined) return undefined;
	if (!KEY.test(key)) {
		throw validationError([
			{ path: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters' },
		]);
	}
	return { key, fingerprint: await sha256Hex(JSON.stringify(content)) };
}
