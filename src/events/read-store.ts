import type { Database } from '../core/database.ts';
import { validationError } from '../core/errors.ts';
import { type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import { nothing, raw, type Sql, sql } from '../core/sql.ts';
import { BYTES_A_TRIP, inBatches, type Sized } from '../database/in-batches.ts';
import { ownSession, SESSION_BY_ID } from '../database/session-store.ts';
import { type EventRange, selectedRange } from './range-store.ts';
import { type EventRow, ofOwnSession } from './row-store.ts';

/**
 * The bytes of the columns with most of the content, up to 105,000 in one event. `type` and `stage` have at most 255
 * characters. octet_length reads no content.
 */
export const SIZE = sql`octet_length(events.payload) + ifnull(octet_length(events.message), 0)`;
const TRIP = raw(BYTES_A_TRIP);

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

/** The columns of a read that returns the content of an event only if it `fits`. */
const columnsIf = (fits: Sql): Sql =>
	sql`events.position, events.id, events.type, events.stage, events.created_at, events.session_id,
		CASE WHEN ${fits} THEN events.message END AS message, CASE WHEN ${fits} THEN events.payload END AS payload,
		sessions.user_id, sessions.organization_id, ${SIZE} AS size`;

/**
 * Selects at most `max` events of a range, with at most BYTES_A_TRIP of content in all; none when the condition `unless` on the
 * session holds. An event is whole if it is within its share of that, or if all events together fit. SQLite sums the sizes only
 * when an event exceeds its share, so a page of small events reads each row once. The sum is a separate subquery instead of
 * a common table expression, because that is three times faster to prepare, and D1 prepares each statement every time.
 */
export function selectBounded(
	reference: SessionReference,
	max: number,
	range: EventRange,
	unless?: Sql | undefined,
): Sql {
	const { where, order, limit } = selectedRange(reference, range, max);
	const bytes = sql`SELECT sum(size) FROM (SELECT ${SIZE} AS size FROM events WHERE ${where} ORDER BY ${order} LIMIT ${limit})`;
	const fits = sql`${SIZE} <= ${TRIP} / ${max} OR (${bytes}) <= ${TRIP}`;
	return sql`SELECT ${columnsIf(fits)} FROM ${SESSION_BY_ID} CROSS JOIN events
		WHERE ${ownSession(reference)}${unless ? sql` AND NOT (${unless})` : nothing} AND ${where} ORDER BY ${order} LIMIT ${limit}`;
}

/** The event after which a read begins. The caller sent the id, and the position is the one in it. */
export interface EventCursor {
	id: string;
	position: number;
	/** The header or query parameter in which the caller sent it. */
	from: 'Last-Event-ID' | 'after';
}

/** The error for a cursor that is not an event of the session. */
export const unknownCursor = (path: EventCursor['from']) =>
	validationError([
		{
			path,
			message: 'does not match an event in this session',
			code: 'UNKNOWN_EVENT',
			suggestion: 'Use the id of an event of this session, or leave it out to start with the first event.',
		},
	]);

/** Selects one row if the cursor is an event of the session. */
export const selectCursor = ({ id }: SessionReference, cursor: EventCursor): Sql =>
	sql`SELECT id FROM events WHERE session_id = ${id} AND position = ${cursor.position} AND id = ${cursor.id}`;

/** In which order events are read: `desc` begins with the newest one. */
type EventOrder = 'asc' | 'desc';

/**
 * Reads at most `max` events of a session after the event `after` in an order, with as much content as fits in one
 * round trip. `wholeEvents` reads the rest. Throws SESSION_NOT_FOUND, and VALIDATION_ERROR when `after` is not one of its
 * events.
 */
export async function readEvents(
	db: Database,
	reference: SessionReference,
	after: EventCursor | undefined,
	order: EventOrder,
	max: number,
): Promise<SizedEvent[]> {
	const range: EventRange =
		order === 'asc' ? { after: after?.position ?? 0 } : { upTo: after ? after.position - 1 : 'latest' };
	const [sessions, events, cursors] = await db.run<[{ id: string }, BoundedRow, { id: string }]>([
		sql`SELECT id FROM ${SESSION_BY_ID} WHERE ${ownSession(reference)}`,
		selectBounded(reference, max, range),
		...(after ? [selectCursor(reference, after)] : []),
	]);
	if (sessions.length === 0) throw sessionNotFound();
	if (after && cursors.length === 0) throw unknownCursor(after.from);
	return sizedEvents(events);
}

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
		const rows = await db.all<BoundedRow>(
			sql`SELECT ${columnsIf(raw('true'))} ${ofOwnSession(reference)}
				AND events.position IN (SELECT value FROM json_each(${positions}))`,
		);
		if (rows.length < missing.length) throw new Error('The session was deleted while its events were sent.');
		return sizedEvents(rows);
	});
