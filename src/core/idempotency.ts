import { ApiError } from './errors.ts';

/** The Idempotency-Key of a request, with a digest of the request's content. */
export interface Idempotency {
	key: string;
	fingerprint: string;
}

/** The error for an Idempotency-Key that an earlier request had with other content. */
export const idempotencyKeyReused = (): ApiError =>
	new ApiError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was already used with another body.');
