import type { Context } from 'hono';
import type { Database } from '../core/database.ts';
import { databaseNumberOf } from '../core/session-id.ts';
import { SESSION_ID, type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import type { AppEnv } from './context.ts';

/** The base path of the calls on sessions, as in the reference. */
export const SESSIONS_PATH = '/v1/products/generation/sessions';

/**
 * The caller's session with an id, which is that in the path by default, with the database that the id names and its number. Throws
 * SESSION_NOT_FOUND, without a round trip, for a malformed id, and for a session other than the one that the caller's key is
 * bound to.
 */
export function sessionFrom(
	c: Context<AppEnv>,
	id = c.req.param('id') ?? '',
): {
	db: Database;
	number: number;
	reference: SessionReference;
} {
	const owner = c.get('principal');
	if (!SESSION_ID.test(id) || (owner.sessionId !== null && owner.sessionId !== id)) throw sessionNotFound();
	const number = databaseNumberOf(id);
	const db = c.get('databases').at(number);
	return { db, number, reference: { id, owner, now: new Date().toISOString() } };
}
