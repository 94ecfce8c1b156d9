import type { Database, Statement } from '../../core/database.ts';
import type { SessionReference } from '../../core/session-reference.ts';
import { BYTES_A_TRIP, inBatches, type Sized } from '../../database/in-batches.ts';
import { referenceParameters, THIS_LIVE } from '../../database/live-session.ts';
import type { EventRow } from '../store.ts';

/**
 * The columns with most of the content, up to 105,000 bytes in one event. A read of many events leaves them NULL where
 * they do not fit. `size` counts only these columns: `type` and `stage` have at most 255 characters.
 */
const CONTENT = ['message', 'payload'] as const;
const sizeOf = (table: string): string =>
	`octet_length(${table}payload) + ifnull(octet_length(${table}message), 0)`;
const SIZE = sizeOf('events.');

/** An event with its size. Its content is present only if it is whole. */
export type SizedEvent = EventRow & Sized;

/**
 * A row of a read of many events. Every stored event has a payload, so a missing payload means that the event is not
 * whole.
 */
export type BoundedRow = Omit<SizedEvent, 'payload' | 'whole'> & { payload: string | null };

/** Marks which events are whole. The rows are the caller's own, so they are changed in place. */
export function sizedEvents(rows: readonly BoundedRow[]): SizedEvent[] {
	for (const row of rows as (BoundedRow & { whole: boolean })[]) row.whole = row.payload !== null;
	return rows as SizedEvent[];
}

/** The columns of a read that returns the content of an event only if it `fits`, an SQL expression. */
const columnsIf = (fits: string): string => {
	const content = CONTENT.map((column) => `CASE WHEN ${fits} THEN events.${column} END AS ${column}`);
	return `events.number AS position, events.id, events.type, events.stage, ${content.join(', ')}, events.created_at,
		events.session_id, sessions.user_id, sessions.organization_id, ${SIZE} AS size`;
};

/**
 * Selects events with at most BYTES_A_TRIP of content in all. An event is whole if it is within its share of that, or
 * if all events together fit. SQLite sums the sizes only when an event exceeds its share, so a page of small events
 * reads each row once; octet_length reads no content. The sum is a separate subquery instead of a common table
 * expression, because that is three times faster to prepare and D1 prepares each statement anew. ?1 is the session's
 * id, and ?5 the maximum number of events.
 */
const selectBounded = (source: string, places: string): string => {
	const bytes = `SELECT sum(size) FROM (SELECT ${sizeOf('')} AS size FROM events WHERE session_id = ?1 ${places})`;
	return `SELECT ${columnsIf(`${SIZE} <= ${BYTES_A_TRIP} / ?5 OR (${bytes}) <= ${BYTES_A_TRIP}`)} ${source} ${places}`;
};

/** The events of a caller's live session, by the first four parameters. */
const OF_THIS_SESSION = `FROM sessions CROSS JOIN events ON events.session_id = sessions.id
	WHERE sessions.id = ?1 AND +sessions.user_id = ?2 AND sessions.organization_id IS ?3 AND sessions.expires_at > ?4`;

/**
 * The statement that reads a session's latest events, newest first. `unless` is an SQL condition on the session, with
 * the value of its parameter ?6. When it is true, the statement reads no events.
 */
export const selectLatestEvents = (
	reference: SessionReference,
	max: number,
	unless?: { condition: string; parameter: string },
): Statement => ({
	sql: selectBounded(
		`${OF_THIS_SESSION}${unless ? ` AND NOT (${unless.condition})` : ''}`,
		'ORDER BY events.number DESC LIMIT ?5',
	),
	parameters: [...referenceParameters(reference), max, ...(unless ? [unless.parameter] : [])],
});

const selectEventsAfter = (reference: SessionReference, position: number, max: number): Statement => ({
	sql: selectBounded(OF_THIS_SESSION, 'AND events.number > ?6 ORDER BY events.number LIMIT ?5'),
	parameters: [...referenceParameters(reference), max, position],
});

/** The event after which a read begins. The caller sent the id, and the position is the one in it. */
export interface EventCursor {
	id: string;
	position: number;
}

/** The statement that returns one row if the cursor is an event of the session. */
export const selectCursor = ({ id }: SessionReference, cursor: EventCursor): Statement => ({
	sql: 'SELECT id FROM events WHERE session_id = ? AND number = ? AND id = ?',
	parameters: [id, cursor.position, cursor.id],
});

/**
 * Reads at most `max` events of a session after the event `after`, oldest first, with as much content as fits in one
 * round trip. `wholeEvents` reads the rest. `session` says whether the session exists, and `cursor` whether `after` is
 * one of its events.
 */
export async function readEvents(
	db: Database,
	reference: SessionReference,
	after: EventCursor | undefined,
	max: number,
): Promise<{ session: boolean; cursor: boolean; events: SizedEvent[] }> {
	const [sessions, events, cursors = []] = await db.run<[{ id: string }, BoundedRow, { id: string }]>(
		[
			{
				sql: `SELECT id FROM sessions WHERE ${THIS_LIVE}`,
				parameters: referenceParameters(reference),
			},
			selectEventsAfter(reference, after?.position ?? 0, max),
			...(after ? [selectCursor(reference, after)] : []),
		],
		{ idempotent: true },
	);
	return {
		session: sessions.length > 0,
		cursor: !after || cursors.length > 0,
		events: sizedEvents(events),
	};
}

const SELECT_THESE = `SELECT ${columnsIf('true')} ${OF_THIS_SESSION}
	AND events.number IN (SELECT value FROM json_each(?5))`;

/**
 * Yields the events of a read in their order, in batches, and each whole. It reads missing content in further round
 * trips of at most BYTES_A_TRIP, each only when the consumer asks for it. Throws when an event was deleted with its
 * session.
 */
export const wholeEvents = (
	db: Database,
	reference: SessionReference,
	events: readonly SizedEvent[],
): AsyncGenerator<SizedEvent[], void, undefined> =>
	inBatches(events, async (missing) => {
		const positions = JSON.stringify(missing.map(({ position }) => position));
		const [rows] = await db.run<[BoundedRow]>(
			[{ sql: SELECT_THESE, parameters: [...referenceParameters(reference), positions] }],
			{ idempotent: true },
		);
		if (rows.length < missing.length) throw new Error('The session was deleted while its events were sent.');
		return sizedEvents(rows);
	});
