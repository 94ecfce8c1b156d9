import type { Database } from '../core/database.ts';
import { type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import { raw, sql } from '../core/sql.ts';
import {
	type CurrentVersion,
	LATEST_POSITION,
	SESSION_BY_ID,
	selectVersion,
} from '../database/session-store.ts';
import { checkVersion, type Versions } from './precondition.ts';
import { ownSessionAt } from './update-store.ts';

/** The most events that one request deletes, because every request has a bounded cost. */
const MAX_EVENTS = raw(1000);
/** A time before every creation: a session that expires then is expired for every call. */
const LONG_AGO = '1970-01-01T00:00:00.000Z';

/** The part of a deleted session that its followers need. */
interface Deleted {
	followed_until: string | null;
}

/**
 * Deletes a session with its events, if it has one of the versions. A session with more than MAX_EVENTS events loses its
 * objects and expires at once instead, and the cleanup (`cleanup/store.ts`) deletes its row and its events. The second
 * statement finds the session only if the first has not deleted it. Throws SESSION_NOT_FOUND, PRECONDITION_FAILED.
 */
export async function deleteSession(
	db: Database,
	reference: SessionReference,
	versions: Versions,
): Promise<Deleted> {
	const session = ownSessionAt(reference, versions);
	const [[deleted], [expired], [current] = []] = await db.run<[Deleted, Deleted, CurrentVersion]>([
		sql`DELETE FROM ${SESSION_BY_ID} WHERE ${session} AND ${LATEST_POSITION} <= ${MAX_EVENTS} RETURNING followed_until`,
		sql`UPDATE ${SESSION_BY_ID} SET expires_at = ${LONG_AGO}, prd = NULL, plan = NULL, product_object = NULL,
			product_object_hash = NULL, assembly_state = NULL, idempotency_key = NULL
			WHERE ${session} RETURNING followed_until`,
		...(versions ? [selectVersion(reference)] : []),
	]);
	const gone = deleted ?? expired;
	if (gone) return gone;
	if (current) checkVersion(current, versions);
	throw sessionNotFound();
}
