import type { Context } from 'hono';
import { SESSION_ID, type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import type { AppEnv } from './context.ts';

/** The base path of the calls on sessions, as in the reference. */
export const SESSIONS_PATH = '/v1/products/generation/sessions';

/** The session that the path names, as the caller's own. Throws SESSION_NOT_FOUND for a malformed id, without a round trip. */
export function sessionRefFrom(c: Context<AppEnv>): SessionReference {
	const id = c.req.param('id') ?? '';
	if (!SESSION_ID.test(id)) throw sessionNotFound();
	return { id, owner: c.get('principal'), now: new Date().toISOString() };
}
