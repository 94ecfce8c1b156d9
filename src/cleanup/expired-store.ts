import type { Database } from '../core/database.ts';
import { raw, type Sql, sql } from '../core/sql.ts';
import { BYTES_OF_A_ROW, NOT_KEPT } from '../history/keep-store.ts';

/**
 * How much one chunk deletes. The unit is the work of deleting a byte: 4 MB of large events take SQLite some ten milliseconds, in
 * which D1 serves no other query.
 */
export const MAX_WORK = 4_000_000;
/** The work of an event or a version besides its bytes. A chunk deletes up to 5,000 tiny ones. */
export const WORK_OF_A_ROW = 800;
/**
 * How many rows of a session count twice, because look-ups in its rows read them: `events` and `versions` are WITHOUT ROWID, so
 * each comparison of a look-up reads a whole row. It matters for sessions that have a few large rows each.
 */
const ROWS_LOOKED_UP = raw(2);
/**
 * Events with no more work than this are deleted together. More of them, or of versions, may be divided between chunks, so chunks are
 * at least three quarters full. A session that is too much for any chunk has more of one of the two.
 */
export const MAY_BE_DIVIDED = MAX_WORK / 4;
/** The most sessions that a chunk deletes. */
const MAX_SESSIONS = raw(100);

/** The events or the versions that a session has. Their positions or versions have no gaps. */
export interface Span {
	first: number;
	last: number;
	/** The `bytes_so_far` of the first event, or the `bytes_before` of the first version. */
	bytesAtFirst: number;
	work: number;
}

/** A session that is to be deleted, with what it has. */
export interface DoomedSession {
	id: string;
	/** The work of deleting it and all sessions that are found before it. */
	workSoFar: number;
	events: Span | undefined;
	versions: Span | undefined;
}

const workOf = (bytes: Sql, rows: Sql): Sql =>
	sql`${bytes} + ${rows} * ${raw(WORK_OF_A_ROW)} + ${ROWS_LOOKED_UP} * (${bytes}) / (${rows})`;

/** A `Span` as a JSON array, so that one look-up finds all of it. */
const span = (first: Sql, last: Sql, bytesAtFirst: Sql, bytes: Sql): Sql =>
	sql`json_array(${first}, ${last}, ${bytesAtFirst}, ${workOf(bytes, sql`(${last} - ${first} + 1)`)})`;

/**
 * The events of the session `next`. The latest one tells how many there were and their bytes. If they may have been divided, the
 * first one that is left is looked up too.
 */
const EVENTS = sql`(SELECT
	CASE WHEN ${workOf(sql`latest.bytes_so_far`, sql`latest.position`)} <= ${raw(MAY_BE_DIVIDED)}
		THEN ${span(sql`1`, sql`latest.position`, sql`0`, sql`latest.bytes_so_far`)}
		ELSE (SELECT ${span(
			sql`events.position`,
			sql`latest.position`,
			sql`events.bytes_so_far`,
			sql`(latest.bytes_so_far - events.bytes_so_far)`,
		)} FROM events WHERE session_id = latest.session_id ORDER BY position LIMIT 1)
	END FROM events AS latest WHERE session_id = next.id ORDER BY position DESC LIMIT 1)`;

/** The versions of the session `next`. Each change deletes the oldest ones, so the first is always looked up. */
const VERSIONS = sql`CASE WHEN next.version > 1 THEN (SELECT
	(SELECT ${span(
		sql`versions.version`,
		sql`latest.version`,
		sql`versions.bytes_before`,
		sql`(latest.bytes_before - versions.bytes_before + iif(latest.bytes < ${NOT_KEPT}, latest.bytes, ${raw(BYTES_OF_A_ROW)}))`,
	)} FROM versions WHERE session_id = latest.session_id ORDER BY version LIMIT 1)
	FROM versions AS latest WHERE session_id = next.id ORDER BY version DESC LIMIT 1) END`;

const OBJECT_BYTES = sql`ifnull(octet_length(next.prd), 0) + ifnull(octet_length(next.plan), 0)
	+ ifnull(octet_length(next.product_object), 0) + ifnull(octet_length(next.assembly_state), 0)`;

/**
 * Finds sessions that are to be deleted, of which `ids` selects the ids, up to the first one with which they are more than a chunk
 * deletes. It goes from one session to the next, and looks up the ends of what each one has. So it passes no event and no version, and looks at no
 * session whose turn does not come.
 */
export async function findDoomed(db: Database, ids: Sql): Promise<DoomedSession[]> {
	// SQLite makes this list once.
	const list = sql`(SELECT json_group_array(id) FROM (${ids} LIMIT ${MAX_SESSIONS}))`;
	const work = sql`object_bytes + ifnull(events ->> 3, 0) + ifnull(versions ->> 3, 0)`;
	type Row = Pick<DoomedSession, 'id' | 'workSoFar'> & Record<'events' | 'versions', string | null>;
	const rows = await db.all<Row>(
		sql`WITH RECURSIVE doomed (place, id, work_before, object_bytes, events, versions) AS (
				SELECT 0, NULL, 0, 0, NULL, NULL
				UNION ALL
				SELECT place + 1, next.id, work_before + ${work}, ${OBJECT_BYTES}, ${EVENTS}, ${VERSIONS}
				FROM doomed CROSS JOIN sessions AS next INDEXED BY sessions_by_id ON next.id = ${list} ->> place
				WHERE work_before + ${work} < ${raw(MAX_WORK)})
			SELECT id, work_before + ${work} AS workSoFar, events, versions FROM doomed WHERE place > 0`,
	);
	return rows.map((row) => ({ ...row, events: spanIn(row.events), versions: spanIn(row.versions) }));
}

function spanIn(text: string | null): Span | undefined {
	if (text === null) return undefined;
	const [first, last, bytesAtFirst, work] = JSON.parse(text) as [number, number, number, number];
	return { first, last, bytesAtFirst, work };
}
