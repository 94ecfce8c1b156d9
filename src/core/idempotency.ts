import { ApiError } from './errors.ts';

/** What an Idempotency-Key is: 1 to 255 visible ASCII characters. */
export const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * The Idempotency-Key of a request, with a digest of the request's content. The first create, append or step with a key stores
 * both with what it makes. A later one with the same digest makes nothing and gets what the first has made: a session as it was
 * created, an event, or the events of a step with the session as it is now. One with another digest gets IDEMPOTENCY_KEY_REUSED.
 * `insertSession`, `appendEvent` and `addStep` compare the digests. A key of an append or a step lasts as long as its session, and
 * the key of a create until its session has expired or was deleted.
 */
export interface Idempotency {
	key: string;
	fingerprint: string;
}

/** The error for an Idempotency-Key that an earlier request had with other content. */
export const idempotencyKeyReused = (): ApiError =>
	new ApiError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was already used with another body.');
