import type { Database, RowsOf, Statement } from '../../core/database.ts';
import type { SessionReference } from '../../core/session-reference.ts';
import { referenceParameters, THIS_LIVE } from '../../database/live-session.ts';
import { type EventCursor, selectCursor } from '../read/store.ts';
import { COLUMNS, type EventRow, LATEST_POSITION, OF_LIVE_SESSION } from '../store.ts';

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
const MAX_BYTES = 200_000;

const selectFollowed = (reference: SessionReference): Statement => ({
	sql: `SELECT id, status, version, updated_at, expires_at, followed_until,
		${LATEST_POSITION} AS tail
		FROM sessions WHERE ${THIS_LIVE}`,
	parameters: referenceParameters(reference),
});

const renew = (reference: SessionReference, { until, unlessPast }: Renewal): Statement => ({
	sql: `UPDATE sessions SET followed_until = ? WHERE ${THIS_LIVE}
		AND ifnull(followed_until, '') < ?`,
	parameters: [until, ...referenceParameters(reference), unlessPast],
});

/** Runs reads after a renewal, if there is one, and returns the rows of the reads. */
async function runRenewed<Rows extends readonly unknown[]>(
	db: Database,
	reference: SessionReference,
	renewal: Renewal | undefined,
	reads: readonly Statement[],
): Promise<RowsOf<Rows>> {
	if (!renewal) return db.run<Rows>(reads, { idempotent: true });
	const [, ...rows] = await db.run<[never, ...Rows]>([renew(reference, renewal), ...reads], {
		idempotent: true,
	});
	return rows as RowsOf<Rows>;
}

/**
 * Selects the next events, up to both maximums. It sums the sizes in a subquery, which reads no content, so that D1 returns
 * only the events that fit.
 */
const selectSome = (reference: SessionReference, after: number): Statement => ({
	sql: `SELECT ${COLUMNS} ${OF_LIVE_SESSION} AND events.number > ? AND events.number <= ifnull((
			SELECT max(number) FROM (
				SELECT number, sum(octet_length(payload) + ifnull(octet_length(message), 0)) OVER (
					ORDER BY number ROWS UNBOUNDED PRECEDING) AS bytes
				FROM (SELECT number, payload, message FROM events WHERE session_id = ? AND number > ?
					ORDER BY number LIMIT ${MAX_EVENTS})
			) WHERE bytes <= ${MAX_BYTES} OR number = ?
		), 0) ORDER BY events.number`,
	parameters: [...referenceParameters(reference), after, reference.id, after, after + 1],
});

/**
 * Begins to follow a session: renews `followed_until` if a renewal is given, then reads the session. Idempotent. `session` is
 * undefined when the session does not exist. `cursor` says whether `after` is one of its events.
 */
export async function beginFollowing(
	db: Database,
	reference: SessionReference,
	after: EventCursor | undefined,
	renewal: Renewal | undefined,
): Promise<{ session: FollowedRow | undefined; cursor: boolean }> {
	const [[session], cursors = []] = await runRenewed<[FollowedRow, { id: string }]>(db, reference, renewal, [
		selectFollowed(reference),
		...(after ? [selectCursor(reference, after)] : []),
	]);
	return { session, cursor: !after || cursors.length > 0 };
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
