import * as z from 'zod';
import { ApiError } from './errors.ts';
import type { Owner } from './principal.ts';

/** Which session, whose, and at what time (ISO 8601): it must be alive then. */
export interface SessionReference {
	id: string;
	owner: Owner;
	now: string;
}

/** `sess_` and a TypeID suffix. */
export const SESSION_ID = /^sess_[0-7][0-9a-hjkmnp-tv-z]{25}$/;
export const sessionIdSchema = z.string().max(31).regex(SESSION_ID);

/** The error for a session that never existed, was deleted, has expired or is another's. It does not tell them apart. */
export const sessionNotFound = (): ApiError => new ApiError('SESSION_NOT_FOUND', 'There is no such session.');

/**
 * The parameters of `id = ? AND +user_id = ? AND organization_id IS ? AND expires_at > ?`. The plus sign keeps SQLite to the
 * unique index of ids: the index of a caller's sessions holds their ids too, but does not say that there is only one.
 */
export const referenceParameters = ({ id, owner, now }: SessionReference) =>
	[id, owner.userId, owner.organizationId, now] as const;
