import type { Database, RowsOf } from '../core/database.ts';
import { type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import { raw, type Sql, sql } from '../core/sql.ts';
import { LATEST_POSITION, ownSession, SESSION_BY_ID } from '../database/session-store.ts';
import { selectedRange } from './range-store.ts';
import { type EventCursor, SIZE, selectCursor, unknownCursor } from './read-store.ts';
import { COLUMNS, type EventRow } from './row-store.ts';

/** The columns of a session's state. */
export interface StateRow {
	id: string;
	status: string;
	version: number;
	updated_at: string;
	expires_at: string;
}

/** The part of a session that its followers need. */
export interface FollowedRow extends StateRow {
	/** Writers send their events to the hub until this time. Null if nobody has followed the session. */
	followed_until: string | null;
	/** The position of the latest event; 0 without events. */
	tail: number;
}

/** A new value of `followed_until`. Times are ISO 8601. */
export interface Renewal {
	until: string;
	/** A stored value past this time is kept, so that only one of many followers writes the row. */
	unlessPast: string;
}

/** The maximum of events in one read, and of their UTF-8 bytes unless the first event alone has more. */
const MAX_EVENTS = 500;
const MAX_BYTES = raw(200_000);

const selectFollowed = (reference: SessionReference): Sql =>
	sql`SELECT id, status, version, updated_at, expires_at, followed_until, ${LATEST_POSITION} AS tail
		FROM ${SESSION_BY_ID} WHERE ${ownSession(reference)}`;

/** Runs reads after a renewal, if there is one, and returns the rows of the reads. */
async function runRenewed<Rows extends readonly unknown[]>(
	db: Database,
	reference: SessionReference,
	renewal: Renewal | undefined,
	reads: readonly Sql[],
): Promise<RowsOf<Rows>> {
	if (!renewal) return db.run<Rows>(reads);
	const renew = sql`UPDATE ${SESSION_BY_ID} SET followed_until = ${renewal.until} WHERE ${ownSession(reference)}
		AND ifnull(followed_until, '') < ${renewal.unlessPast}`;
	const [, ...rows] = await db.run<[never, ...Rows]>([renew, ...reads], { idempotent: true });
	return rows as RowsOf<Rows>;
}

/**
 * Selects the next events, up to both maximums. It sums the sizes in a subquery, so that D1 returns only the events that fit. The
 * window gets the sizes and not the content, which it would copy: with events of 64 KB that takes twice as long.
 */
function selectSome(reference: SessionReference, after: number): Sql {
	const { where, order, limit } = selectedRange(reference, { after }, MAX_EVENTS);
	const sizes = sql`SELECT session_id, position, ${SIZE} AS size
		FROM events WHERE ${where} ORDER BY ${order} LIMIT ${limit}`;
	const fitting = sql`SELECT count(*) FROM (
			SELECT position, sum(size) OVER (ORDER BY session_id, position ROWS UNBOUNDED PRECEDING) AS bytes FROM (${sizes})
		) WHERE bytes <= ${MAX_BYTES} OR position = ${after + 1}`;
	return sql`SELECT ${COLUMNS} FROM ${SESSION_BY_ID} CROSS JOIN events WHERE ${ownSession(reference)} AND ${where}
		ORDER BY ${order} LIMIT (${fitting})`;
}

/**
 * Begins to follow a session after an event: renews `followed_until` if a renewal is given, then reads the session.
 * Idempotent. Throws SESSION_NOT_FOUND, and VALIDATION_ERROR when `after` is not one of its events.
 */
export async function beginFollowing(
	db: Database,
	reference: SessionReference,
	after: EventCursor | undefined,
	renewal: Renewal | undefined,
): Promise<FollowedRow> {
	const [[session], cursors] = await runRenewed<[FollowedRow, { id: string }]>(db, reference, renewal, [
		selectFollowed(reference),
		...(after ? [selectCursor(reference, after)] : []),
	]);
	if (!session) throw sessionNotFound();
	if (after && cursors.length === 0) throw unknownCursor(after.from);
	return session;
}

/**
 * Reads a followed session and, with `after`, its next events after that position: as many as a follower may hold, and at
 * least one if there is one. Returns undefined when the session does not exist.
 */
export async function lookUpFollowed(
	db: Database,
	reference: SessionReference,
	{ after, renewal }: { after: number | undefined; renewal: Renewal | undefined },
): Promise<{ session: FollowedRow; events: EventRow[] } | undefined> {
	const [[session], events = []] = await runRenewed<[FollowedRow, EventRow]>(db, reference, renewal, [
		selectFollowed(reference),
		...(after === undefined ? [] : [selectSome(reference, after)]),
	]);
	return session && { session, events };
}
