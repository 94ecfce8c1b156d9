import * as z from 'zod';
import { ApiError } from './errors.ts';
import type { Owner } from './principal.ts';

/** A session id, its owner, and the time (ISO 8601) at which the session must not have expired. */
export interface SessionReference {
	id: string;
	owner: Owner;
	now: string;
}

/** `sess_` and a TypeID suffix. */
export const SESSION_ID = /^sess_[0-7][0-9a-hjkmnp-tv-z]{25}$/;
export const sessionIdSchema = z.string().max(31).regex(SESSION_ID, { error: 'must be the id of a session' });

/**
 * The error for a session that never existed, was deleted, has expired or belongs to another caller. It does not
 * distinguish them.
 */
export const sessionNotFound = (): ApiError =>
	new ApiError('SESSION_NOT_FOUND', 'The session does not exist.');
