import type { Context } from 'hono';
import { SESSION_ID, type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import type { AppEnv } from './context.ts';

/** The base path of the calls on sessions, as in the reference. */
export const SESSIONS_PATH = '/v1/products/generation/sessions';

/**
 * The caller's session with the id in the path. Throws SESSION_NOT_FOUND, without a round trip, for a malformed id, and
 * for a session other than the one that the caller's key is bound to.
 */
export function sessionRefFrom(c: Context<AppEnv>): SessionReference {
	const id = c.req.param('id') ?? '';
	const owner = c.get('principal');
	if (!SESSION_ID.test(id) || (owner.sessionId !== null && owner.sessionId !== id)) throw sessionNotFound();
	return { id, owner, now: new Date().toISOString() };
}
