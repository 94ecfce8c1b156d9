import type { Database, RowsOf } from '../core/database.ts';
import { raw, type Sql, sql } from '../core/sql.ts';
import { SESSION_BY_ID } from '../database/session-store.ts';
import { LONG_AGO } from '../sessions/delete-store.ts';
import { oweExpired } from '../webhooks/owed-store.ts';
import {
	type DoomedSession,
	findDoomed,
	MAX_WORK,
	MAY_BE_DIVIDED,
	type Span,
	WORK_OF_A_ROW,
} from './expired-store.ts';

/** API keys, and notes of Idempotency-Keys, deleted by one statement. */
const KEYS_AT_ONCE = raw(500);
/** Where the count of expired sessions ends, because it reads a row for each. */
const MAX_COUNTED = 10_000;

/** Sessions that are to be deleted. */
export interface Doomed {
	/** Selects their ids, the first ones first. */
	ids: Sql;
	/** Whether a row of `sessions` is still one of them. */
	condition: Sql;
}

/** What one chunk has deleted of sessions. */
export interface DeletedSessions {
	sessions: number;
	events: number;
	/** Earlier versions of sessions. */
	versions: number;
}

/** What one chunk of the cleanup has deleted. */
export interface Deleted extends DeletedSessions {
	/** API keys for one session. Only DB has any. */
	keys: number;
	/** Notes of where the sessions with an Idempotency-Key are. Only DB has any. */
	createKeys: number;
}

/** How many statements `deleteExpired` sends at most: one that finds what it then deletes with the others. */
export const STATEMENTS_PER_CHUNK = { reads: 1, writes: 5 } as const;

/**
 * Deletes one chunk of what had expired by `now`, oldest first: sessions with their events and versions, keys for one session, and notes
 * of Idempotency-Keys. `isLast` tells that there was nothing.
 *
 * A first trip finds the sessions. A second one deletes those whose work is at most MAX_WORK together, and some of the next session
 * if it has much. So a chunk keeps D1 busy for about as long as SQLite needs to delete 4 MB.
 *
 * It is idempotent, and safe to run twice at once: what has expired stays expired, and an expired session takes no events and no
 * changes. Between the two trips it can only lose what another run deletes, and that run counts it.
 */
export async function deleteExpired(
	db: Database,
	now: string,
): Promise<{ deleted: Deleted; isLast: boolean }> {
	const doomed = {
		ids: sql`SELECT id FROM sessions WHERE expires_at <= ${now} ORDER BY expires_at`,
		condition: sql`sessions.expires_at <= ${now}`,
	};
	const { deleted, isLast, also } = await deleteChunk<[unknown, unknown]>(db, doomed, (isWhole) => ({
		// What was deleted by a call waits for its deletion too, but has not expired.
		before: [oweExpired(sql`${isWhole} AND sessions.expires_at > ${LONG_AGO}`, now)],
		after: [
			sql`DELETE FROM api_keys INDEXED BY api_keys_by_id WHERE id IN (SELECT id FROM api_keys
				WHERE session_id IS NOT NULL AND expires_at <= ${now} ORDER BY expires_at LIMIT ${KEYS_AT_ONCE}) RETURNING 1`,
			sql`DELETE FROM create_keys INDEXED BY sqlite_autoindex_create_keys_1 WHERE (user_id, organization_id, idempotency_key) IN (
				SELECT user_id, organization_id, idempotency_key FROM create_keys
				WHERE expires_at <= ${now} ORDER BY expires_at LIMIT ${KEYS_AT_ONCE}) RETURNING 1`,
		],
	}));
	const [keys, createKeys] = also.map((rows) => rows.length);
	const all = { ...deleted, keys: keys ?? 0, createKeys: createKeys ?? 0 };
	return { deleted: all, isLast: isLast && all.keys + all.createKeys === 0 };
}

/**
 * Deletes one chunk of sessions, in two trips, and in the second one runs the statements `before` and `after` that depend on the
 * condition of those that it deletes whole. `before` has asides alone. `also` has the rows of those after.
 */
export async function deleteChunk<Also extends readonly unknown[]>(
	db: Database,
	{ ids, condition }: Doomed,
	statementsWith: (isWhole: Sql) => { before: readonly Sql[]; after: readonly Sql[] },
): Promise<{ deleted: DeletedSessions; isLast: boolean; also: RowsOf<Also> }> {
	const found = await findDoomed(db, ids);
	const whole = found.filter(({ workSoFar }) => workSoFar <= MAX_WORK);
	const next = found[whole.length];
	const part = next && largePartOf(next);
	const isWhole = sql`sessions.id IN (SELECT value FROM json_each(${JSON.stringify(whole.map(({ id }) => id))}))
		AND ${condition}`;
	const { before, after } = statementsWith(isWhole);
	const [sessions, ...rows] = await db.run<[{ id: string }, ...Also, unknown]>(
		[
			...before,
			// Events and versions go with their session.
			sql`DELETE FROM ${SESSION_BY_ID} WHERE ${isWhole} RETURNING id`,
			...after,
			...(part ? [deleteFirst(part, MAX_WORK - (whole.at(-1)?.workSoFar ?? 0), condition)] : []),
		],
		{ idempotent: true },
	);
	const deletedIds = new Set(sessions.map(({ id }) => id));
	const gone = whole.filter(({ id }) => deletedIds.has(id));
	const deleted: DeletedSessions = {
		sessions: gone.length,
		events: sumOf(gone, ({ events }) => countOf(events)),
		versions: sumOf(gone, ({ versions }) => countOf(versions)),
	};
	if (part) deleted[part.table] += (rows.at(-1) as unknown[]).length;
	return {
		deleted,
		isLast: found.length === 0,
		also: rows.slice(0, after.length) as unknown as RowsOf<Also>,
	};
}

const countOf = (span: Span | undefined): number => (span ? span.last - span.first + 1 : 0);
const sumOf = (sessions: readonly DoomedSession[], count: (session: DoomedSession) => number): number =>
	sessions.reduce((sum, session) => sum + count(session), 0);

/** Events or versions of one session that are too much to wait for a chunk with room for all of them. */
interface Part {
	id: string;
	table: 'events' | 'versions';
	span: Span;
}

/** The events or the versions of a session, whichever are more work, if they may be divided between chunks. */
function largePartOf({ id, events, versions }: DoomedSession): Part | undefined {
	const parts = [
		...(events ? [{ id, table: 'events' as const, span: events }] : []),
		...(versions ? [{ id, table: 'versions' as const, span: versions }] : []),
	];
	const [largest] = parts.sort((a, b) => b.span.work - a.span.work);
	return largest && largest.span.work > MAY_BE_DIVIDED ? largest : undefined;
}

const NAMES = {
	events: { rows: raw('events'), place: raw('position'), bytes: raw('bytes_so_far') },
	versions: { rows: raw('versions'), place: raw('version'), bytes: raw('bytes_before') },
} as const;

/**
 * Deletes the first rows of a part, up to some work and one row more. Where they end is found in a range that has itself no end, so that
 * only rows that are deleted are read whole (see `selectedRange` in events/range-store.ts). The search stops at the first row that is
 * too much, or that is not of the session.
 */
function deleteFirst({ id, table, span }: Part, work: number, condition: Sql): Sql {
	const { rows, place, bytes } = NAMES[table];
	const { first, last, bytesAtFirst } = span;
	const isTooMuch = sql`${bytes} - ${bytesAtFirst} + (${place} - ${first}) * ${raw(WORK_OF_A_ROW)} >= ${work}`;
	const end = sql`SELECT iif(session_id = ${id}, ${place}, NULL) FROM ${rows}
		WHERE (session_id, ${place}) >= (${id}, ${first}) AND (session_id <> ${id} OR ${isTooMuch})
		ORDER BY session_id, ${place} LIMIT 1`;
	return sql`DELETE FROM ${rows} WHERE session_id = ${id} AND ${place} < ifnull((${end}), ${last + 1})
		AND EXISTS (SELECT 1 FROM ${SESSION_BY_ID} WHERE id = ${id} AND ${condition}) RETURNING 1`;
}

/** How many sessions had expired by `now` and are still stored. MAX_COUNTED means that many or more. */
export async function countExpired(db: Database, now: string): Promise<number> {
	const count = await db.first<{ expired: number }>(
		sql`SELECT count(*) AS expired FROM (SELECT 1 FROM sessions WHERE expires_at <= ${now} LIMIT ${raw(MAX_COUNTED)})`,
	);
	return count?.expired ?? 0;
}
