import type { Database } from '../core/database.ts';
import { type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import { raw, sql } from '../core/sql.ts';
import { type CurrentVersion, SESSION_BY_ID, selectVersion } from '../database/session-store.ts';
import { hasFewVersions } from '../history/size-store.ts';
import { oweDeleted } from '../webhooks/owed-store.ts';
import { checkVersion, type Versions } from './precondition.ts';
import { ownSessionAt } from './update-store.ts';

/** The most events and the most versions that one request deletes, and their most bytes: D1 serves no other query meanwhile. */
const MAX_ROWS = raw(1000);
const MAX_BYTES = raw(4_000_000);
/** Whether the events and the versions of a row of `sessions` are few and small enough to be deleted at once. */
const IS_SMALL = sql`ifnull((SELECT position <= ${MAX_ROWS} AND bytes_so_far <= ${MAX_BYTES} FROM events
	WHERE session_id = sessions.id ORDER BY position DESC LIMIT 1), true)
	AND ${hasFewVersions(MAX_ROWS, MAX_BYTES)}`;
/** The expiry of a session that was emptied. It is before the time of every call, so no call finds the session. */
export const LONG_AGO = '1970-01-01T00:00:00.000Z';

/** The part of a deleted session that its followers need. */
interface Deleted {
	followed_until: string | null;
}

/**
 * Deletes a session, if it has one of the versions. Its events and its versions go with it, up to MAX_ROWS and MAX_BYTES of each. A
 * session with more is emptied instead: it loses its objects and its Idempotency-Key, and expires at once. The cleanup
 * (`deleteExpired` in cleanup/store.ts) then deletes them and its row. Both statements have the same condition on the
 * session, so the second one changes only a session that the first has left because it is not small. Keys for the session stay
 * until they expire, and read nothing. Throws SESSION_NOT_FOUND, PRECONDITION_FAILED.
 */
export async function deleteSession(
	db: Database,
	reference: SessionReference,
	versions: Versions,
): Promise<Deleted> {
	const session = ownSessionAt(reference, versions);
	const [[deleted], [expired], [current] = []] = await db.run<[Deleted, Deleted, CurrentVersion]>([
		oweDeleted(reference, session),
		sql`DELETE FROM ${SESSION_BY_ID} WHERE ${session} AND ${IS_SMALL} RETURNING followed_until`,
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
