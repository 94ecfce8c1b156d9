import { ApiError } from '../core/errors.ts';
import { sessionNotFound } from '../core/session-reference.ts';
import { entityTag } from '../http/conditional.ts';
import type { CurrentVersion, Outcome } from './store.ts';

/** The error for an If-Match without the current ETag (RFC 9110, 15.5.13). Its response has the current ETag. */
export const stale = (current: CurrentVersion): ApiError =>
	new ApiError('PRECONDITION_FAILED', 'The session has changed. Read it again.', {
		headers: { ETag: entityTag(current.version, current.latestEvent) },
	});

/** Returns the result of a conditional write. Throws SESSION_NOT_FOUND, PRECONDITION_FAILED. */
export function unwrap<T>(outcome: Outcome<T>): T {
	if (outcome.is === 'missing') throw sessionNotFound();
	if (outcome.is === 'stale') throw stale(outcome);
	return outcome.result;
}
