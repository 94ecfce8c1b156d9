import type { Database } from '../core/database.ts';
import { raw, type Sql, sql } from '../core/sql.ts';
import { SESSION_BY_ID } from '../database/session-store.ts';
import { LONG_AGO } from '../sessions/delete-store.ts';
import { oweExpired } from '../webhooks/owed-store.ts';

/**
 * Events, and versions, deleted by one statement. D1 serves no other query meanwhile: some ten milliseconds with small payloads, and up to a
 * second with payloads of 64 KB (bench/experiments/events-table.md).
 */
const ROWS_AT_ONCE = raw(5000);
/** Sessions deleted by one statement. */
const SESSIONS_AT_ONCE = raw(100);
/** Bytes after which a statement deletes no further event or session. The last one can have 1.6 MB more. */
const BYTES_AT_ONCE = raw(4_000_000);
/** API keys, and notes of Idempotency-Keys, deleted by one statement. */
const KEYS_AT_ONCE = raw(500);
/** Where the count of expired sessions ends, because it reads a row for each. */
const MAX_COUNTED = 10_000;

/** What one chunk has deleted. */
export interface Deleted {
	sessions: number;
	events: number;
	/** Earlier versions of sessions. */
	versions: number;
	/** API keys for one session. Only DB has any. */
	keys: number;
	/** Notes of where the sessions with an Idempotency-Key are. Only DB has any. */
	createKeys: number;
}

/** How many statements `deleteExpired` sends. */
export const STATEMENTS_PER_CHUNK = 6;

/**
 * Deletes one chunk of what had expired by `now`, oldest first: events and versions of sessions, the sessions that have none left,
 * keys for one session, and notes of Idempotency-Keys. Idempotent, and safe to run twice at once, because what has expired
 * stays expired, and an expired session takes no events and no changes.
 */
export async function deleteExpired(db: Database, now: string): Promise<Deleted> {
	/** The first rows of a subquery with a `size`, until they have BYTES_AT_ONCE. */
	const firstOf = (columns: Sql, rows: Sql) =>
		sql`SELECT ${columns} FROM (SELECT ${columns},
				sum(size) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (${rows}) AS sized)
			WHERE ifnull(before, 0) < ${BYTES_AT_ONCE}`;
	const objects = sql`ifnull(octet_length(prd), 0) + ifnull(octet_length(plan), 0)
		+ ifnull(octet_length(product_object), 0) + ifnull(octet_length(assembly_state), 0)`;
	const oldest = sql`SELECT id FROM sessions WHERE expires_at <= ${now} ORDER BY expires_at LIMIT ${SESSIONS_AT_ONCE}`;
	const emptied = sql`sessions.id IN (${firstOf(
		sql`id`,
		sql`SELECT id, ${objects} AS size FROM sessions WHERE expires_at <= ${now} ORDER BY expires_at LIMIT ${SESSIONS_AT_ONCE}`,
	)}) AND NOT EXISTS (SELECT 1 FROM events WHERE session_id = sessions.id)
		AND NOT EXISTS (SELECT 1 FROM versions WHERE session_id = sessions.id)`;
	const [events = 0, versions = 0, sessions = 0, keys = 0, createKeys = 0] = await db.change(
		[
			sql`DELETE FROM events INDEXED BY sqlite_autoindex_events_1 WHERE (session_id, position) IN (${firstOf(
				sql`session_id, position`,
				sql`SELECT session_id, position, octet_length(payload) + ifnull(octet_length(message), 0) AS size
					FROM (${oldest}) AS expired CROSS JOIN events ON events.session_id = expired.id LIMIT ${ROWS_AT_ONCE}`,
			)})`,
			sql`DELETE FROM versions INDEXED BY sqlite_autoindex_versions_1 WHERE (session_id, version) IN (${firstOf(
				sql`session_id, version`,
				sql`SELECT session_id, versions.version, ${objects} AS size
					FROM (${oldest}) AS expired CROSS JOIN versions ON versions.session_id = expired.id LIMIT ${ROWS_AT_ONCE}`,
			)})`,
			// What was deleted by a call waits for its deletion too, but has not expired.
			oweExpired(sql`${emptied} AND sessions.expires_at > ${LONG_AGO}`, now),
			sql`DELETE FROM ${SESSION_BY_ID} WHERE ${emptied}`,
			sql`DELETE FROM api_keys INDEXED BY api_keys_by_id WHERE id IN (SELECT id FROM api_keys
				WHERE session_id IS NOT NULL AND expires_at <= ${now} ORDER BY expires_at LIMIT ${KEYS_AT_ONCE})`,
			sql`DELETE FROM create_keys INDEXED BY sqlite_autoindex_create_keys_1 WHERE (user_id, organization_id, idempotency_key) IN (
				SELECT user_id, organization_id, idempotency_key FROM create_keys
				WHERE expires_at <= ${now} ORDER BY expires_at LIMIT ${KEYS_AT_ONCE})`,
		],
		{ idempotent: true },
	);
	return { sessions, events, versions, keys, createKeys };
}

/** How many sessions had expired by `now` and are still stored. MAX_COUNTED means that many or more. */
export async function countExpired(db: Database, now: string): Promise<number> {
	const count = await db.first<{ expired: number }>(
		sql`SELECT count(*) AS expired FROM (SELECT 1 FROM sessions WHERE expires_at <= ${now} LIMIT ${raw(MAX_COUNTED)})`,
	);
	return count?.expired ?? 0;
}
