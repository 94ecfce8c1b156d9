import type { Context } from 'hono';
import * as z from 'zod';
import type { AppEnv } from '../http/context.ts';
import { ApiError } from './errors.ts';
import type { Owner } from './principal.ts';

/** Where the calls on sessions are, as the reference has them. */
export const SESSIONS_PATH = '/v1/products/generation/sessions';

/** Which session, whose, and at what time (ISO 8601): it must be alive then. */
export interface SessionReference {
	id: string;
	owner: Owner;
	now: string;
}

/** `sess_` and a TypeID suffix. What does not look like one of ours cannot exist. */
const SESSION_ID = /^sess_[0-7][0-9a-hjkmnp-tv-z]{25}$/;
export const sessionIdSchema = z.string().max(31).regex(SESSION_ID);

/** The answer for a session that never existed, was deleted, has expired or is another's: they are not told apart. */
export const sessionNotFound = (): ApiError => new ApiError('SESSION_NOT_FOUND', 'There is no such session.');

/** The session that the path names, as the caller's own. What cannot be an id costs no trip. */
export function thisSession(c: Context<AppEnv>): SessionReference {
	const id = c.req.param('id') ?? '';
	if (!SESSION_ID.test(id)) throw sessionNotFound();
	return { id, owner: c.get('principal'), now: new Date().toISOString() };
}

/** The parameters of `id = ? AND user_id = ? AND organization_id IS ? AND expires_at > ?`. */
export const referenceParameters = ({ id, owner, now }: SessionReference) =>
	[id, owner.userId, owner.organizationId, now] as const;
