import type { Database } from '../core/database.ts';

/** Events deleted by one statement. It takes some ten milliseconds, during which D1 serves no other query. */
const EVENTS_AT_ONCE = 5000;
/** Sessions deleted by one statement. Each can hold 1.6 MB. */
const SESSIONS_AT_ONCE = 100;
/** API keys deleted by one statement. */
const KEYS_AT_ONCE = 500;
/** Where the count of expired sessions ends, because it reads a row for each. */
export const MAX_COUNTED = 10_000;

const OLDEST_EXPIRED = `SELECT id FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ${SESSIONS_AT_ONCE}`;

/** How many statements `deleteExpired` sends. */
export const STATEMENTS_PER_CHUNK = 3;

/** What one chunk of deletions has deleted. */
export interface Deleted {
	sessions: number;
	events: number;
	/** API keys for one session. */
	keys: number;
}

/**
 * Deletes one chunk of the sessions that had expired by `now`, oldest first: events, then the sessions that have no
 * events left. Deletes also a chunk of the expired API keys for one session, which only DB has. Idempotent, and safe to run
 * twice at once, because what has expired stays expired, and an expired session takes no events.
 * Each statement names its index: statistics from the time when a table was small make SQLite read the whole table instead.
 */
export async function deleteExpired(db: Database, now: string): Promise<Deleted> {
	const [events = 0, sessions = 0, keys = 0] = await db.change(
		[
			{
				sql: `DELETE FROM events INDEXED BY sqlite_autoindex_events_1 WHERE (session_id, number) IN (
					SELECT events.session_id, events.number FROM (${OLDEST_EXPIRED}) AS expired
					CROSS JOIN events ON events.session_id = expired.id LIMIT ${EVENTS_AT_ONCE})`,
				parameters: [now],
			},
			{
				sql: `DELETE FROM sessions INDEXED BY sqlite_autoindex_sessions_1 WHERE id IN (${OLDEST_EXPIRED})
					AND NOT EXISTS (SELECT 1 FROM events WHERE session_id = sessions.id)`,
				parameters: [now],
			},
			{
				sql: `DELETE FROM api_keys INDEXED BY sqlite_autoindex_api_keys_1 WHERE id IN (SELECT id FROM api_keys
					WHERE placed_session_id IS NOT NULL AND expires_at <= ? ORDER BY expires_at LIMIT ${KEYS_AT_ONCE})`,
				parameters: [now],
			},
		],
		{ idempotent: true },
	);
	return { sessions, events, keys };
}

/** How many sessions had expired by `now` and are still stored. MAX_COUNTED means that many or more. */
export async function countExpired(db: Database, now: string): Promise<number> {
	const [[count]] = await db.run<[{ expired: number }]>(
		[
			{
				sql: `SELECT count(*) AS expired FROM (SELECT 1 FROM sessions WHERE expires_at <= ? LIMIT ${MAX_COUNTED})`,
				parameters: [now],
			},
		],
		{ idempotent: true },
	);
	return count?.expired ?? 0;
}

/**
 * Refreshes the query planner's statistics where SQLite finds them outdated, as D1's documentation advises after large
 * changes: https://developers.cloudflare.com/d1/sql-api/sql-statements/#pragma-optimize
 */
export async function optimize(db: Database): Promise<void> {
	await db.run([{ sql: 'PRAGMA optimize', parameters: [] }], { idempotent: true });
}
