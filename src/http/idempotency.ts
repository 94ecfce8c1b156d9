import { validationError } from '../core/errors.ts';
import { IDEMPOTENCY_KEY, type Idempotency } from '../core/idempotency.ts';
import { sha256Hex } from '../core/sha256.ts';

/**
 * Reads the Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header) of a request. `contentOf` makes the content that a
 * retry must repeat. Returns undefined without the header. Throws VALIDATION_ERROR when it does not have 1–255 visible ASCII characters.
 */
export async function idempotencyOf(
	key: string | undefined,
	contentOf: () => readonly (string | null)[],
): Promise<Idempotency | undefined> {
	if (key === undefined) return undefined;
	if (!IDEMPOTENCY_KEY.test(key)) {
		throw validationError([
			{
				path: 'Idempotency-Key',
				message: 'must be 1 to 255 visible ASCII characters',
				code: 'INVALID_FORMAT',
				suggestion: 'Use a UUID, or a name that your program gives the write.',
			},
		]);
	}
	return { key, fingerprint: await sha256Hex(JSON.stringify(contentOf())) };
}
