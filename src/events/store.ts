import type { Condition, Database, Statement } from '../core/database.ts';
import { limits } from '../core/limits.ts';
import { referenceParameters, type SessionReference } from '../core/session-reference.ts';
import { utf8Length } from '../core/text.ts';
import { BYTES_A_TRIP, inBatches, type Sized } from '../database/in-batches.ts';
import type { Idempotency } from '../http/idempotency.ts';

/** A stored event. The payload is JSON text, and the owner comes from the session. */
export interface EventRow {
	/** The event's position in its session, starting with 1. */
	position: number;
	id: string;
	type: string;
	stage: string | null;
	message: string | null;
	payload: string;
	created_at: string;
	session_id: string;
	user_id: string;
	organization_id: string | null;
}

export const COLUMNS = `events.number AS position, events.id, events.type, events.stage, events.message, events.payload,
	events.created_at, events.session_id, sessions.user_id, sessions.organization_id`;
/** The events of a caller's live session; CROSS JOIN keeps the session the outer table. */
export const OF_LIVE_SESSION = `FROM sessions CROSS JOIN events ON events.session_id = sessions.id
	WHERE sessions.id = ? AND +sessions.user_id = ? AND sessions.organization_id IS ? AND sessions.expires_at > ?`;

export interface NewEvent {
	type: string;
	stage: string | null;
	message: string | null;
	payload: string;
	/** Twenty random hex digits: the part of the id that cannot be guessed. */
	nonce: string;
}

/**
 * One statement reads and uses the next position. D1 runs one statement at a time, so two appends never get the same
 * one.
 */
const INSERT = `INSERT INTO events (session_id, number, id, type, stage, message, payload, created_at,
		idempotency_key, idempotency_fingerprint, followed)
	SELECT id, number, printf('evt_%010d', number) || ?, ?, ?, ?, ?, ?, ?, ?, followed_until > ?
	FROM (SELECT id, followed_until, 1 + ifnull((SELECT max(number) FROM events WHERE session_id = sessions.id), 0) AS number
		FROM sessions WHERE id = ? AND +user_id = ? AND organization_id IS ? AND expires_at > ?)`;

/**
 * Appends an event and returns it, or undefined when the session does not exist. If an event of the session already has
 * the idempotency key, this appends nothing and returns that event with its fingerprint. It is retried only with a key.
 * `isFollowed` says whether the session's followers must be told of the event.
 */
export async function insertEvent(
	db: Database,
	reference: SessionReference,
	event: NewEvent,
	idempotency: Idempotency | undefined,
): Promise<{ row: EventRow; fingerprint: string | null; isFollowed: boolean } | undefined> {
	const parameters = [
		event.nonce,
		event.type,
		event.stage,
		event.message,
		event.payload,
		reference.now,
		idempotency?.key ?? null,
		idempotency?.fingerprint ?? null,
		reference.now,
		...referenceParameters(reference),
	];
	if (!idempotency) {
		const [[made]] = await db.run<[{ position: number; id: string; followed: number | null }]>(
			[{ sql: `${INSERT} RETURNING number AS position, id, followed`, parameters }],
			{ idempotent: false },
		);
		if (!made) return undefined;
		const { owner, now } = reference;
		const row = {
			...event,
			position: made.position,
			id: made.id,
			created_at: now,
			session_id: reference.id,
			user_id: owner.userId,
			organization_id: owner.organizationId,
		};
		return { row, fingerprint: null, isFollowed: made.followed === 1 };
	}
	const [, [row]] = await db.run<[never, EventRow & { fingerprint: string; followed: number | null }]>(
		[
			// Without WHERE true, SQLite would parse ON CONFLICT as the ON of a join.
			{ sql: `${INSERT} WHERE true ON CONFLICT DO NOTHING`, parameters },
			{
				sql: `SELECT ${COLUMNS}, events.idempotency_fingerprint AS fingerprint, events.followed ${OF_LIVE_SESSION}
					AND events.idempotency_key = ?`,
				parameters: [...referenceParameters(reference), idempotency.key],
			},
		],
		{ idempotent: true },
	);
	return row && { row, fingerprint: row.fingerprint, isFollowed: row.followed === 1 };
}

/**
 * The statement that appends events at consecutive positions to the session of a condition, and returns the position
 * and id of each. The first event keeps the idempotency key, with `fingerprint` and the session's version at that time.
 */
export function insertEvents(
	events: readonly NewEvent[],
	session: Condition,
	now: string,
	idempotency: Idempotency | undefined,
): Statement {
	const texts = boundTexts(events);
	let sent = 0;
	const rows = texts.map(({ count }) => {
		const rowsOfText = `SELECT ${sent + 1} + key AS place, value FROM json_each(?)`;
		sent += count;
		return rowsOfText;
	});
	const sql = `INSERT INTO events (session_id, number, id, type, stage, message, payload, created_at,
			idempotency_key, idempotency_fingerprint)
		SELECT session.id, latest + place, printf('evt_%010d', latest + place) || (value ->> 0), value ->> 1, value ->> 2,
			value ->> 3, value ->> 4, ?, iif(place = 1, ?, NULL), iif(place = 1, ? || ':' || version, NULL)
		FROM (SELECT id, version, ifnull((SELECT max(number) FROM events WHERE session_id = sessions.id), 0) AS latest
			FROM sessions WHERE ${session.sql}) AS session
		CROSS JOIN (${rows.join(' UNION ALL ')})
		RETURNING number AS position, id`;
	const parameters = [
		now,
		idempotency?.key ?? null,
		idempotency?.fingerprint ?? null,
		...session.parameters,
		...texts.map(({ text }) => text),
	];
	return { sql, parameters };
}

/**
 * Events as JSON arrays for json_each, each short enough to be bound. A payload is a string in the array and not an
 * object, because SQLite would rewrite an object.
 */
function boundTexts(events: readonly NewEvent[]): { text: string; count: number }[] {
	const texts: { items: string[]; bytes: number }[] = [];
	for (const { nonce, type, stage, message, payload } of events) {
		const item = JSON.stringify([nonce, type, stage, message, payload]);
		const bytes = utf8Length(item) + ','.length;
		const last = texts.at(-1);
		if (last && last.bytes + bytes <= limits.boundText) {
			last.items.push(item);
			last.bytes += bytes;
		} else {
			texts.push({ items: [item], bytes: '[]'.length + bytes });
		}
	}
	return texts.map(({ items }) => ({ text: `[${items.join(',')}]`, count: items.length }));
}

/** The statement that reads `count` events of a session, starting with the one that has an idempotency key. */
export const selectEventsFromKey = (reference: SessionReference, key: string, count: number): Statement => ({
	sql: `SELECT ${COLUMNS} ${OF_LIVE_SESSION} AND events.number >=
		(SELECT number FROM events WHERE session_id = ? AND idempotency_key = ?) ORDER BY events.number LIMIT ?`,
	parameters: [...referenceParameters(reference), reference.id, key, count],
});

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

/**
 * Reads at most `max` events of a session after the event `after`, oldest first, with as much content as fits in one
 * round trip. `wholeEvents` reads the rest. `session` says whether the session exists, and `cursor` whether `after` is
 * one of its events.
 */
export async function readEvents(
	db: Database,
	reference: SessionReference,
	after: { id: string; position: number } | undefined,
	max: number,
): Promise<{ session: boolean; cursor: boolean; events: SizedEvent[] }> {
	const [sessions, events, cursors = []] = await db.run<[{ id: string }, BoundedRow, { id: string }]>(
		[
			{
				sql: 'SELECT id FROM sessions WHERE id = ? AND +user_id = ? AND organization_id IS ? AND expires_at > ?',
				parameters: referenceParameters(reference),
			},
			selectEventsAfter(reference, after?.position ?? 0, max),
			...(after
				? [
						{
							sql: 'SELECT id FROM events WHERE session_id = ? AND number = ? AND id = ?',
							parameters: [reference.id, after.position, after.id],
						},
					]
				: []),
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
