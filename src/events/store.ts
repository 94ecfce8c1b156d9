import type { Condition, Database, Statement } from '../core/database.ts';
import { limits } from '../core/limits.ts';
import type { SessionReference } from '../core/session-reference.ts';
import { utf8Length } from '../core/text.ts';
import { referenceParameters, THIS_LIVE } from '../database/live-session.ts';
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

/** An SQL expression: the position of the latest event of a row of `sessions`; 0 without events. */
export const LATEST_POSITION = 'ifnull((SELECT max(number) FROM events WHERE session_id = sessions.id), 0)';

/**
 * One statement reads and uses the next position. D1 runs one statement at a time, so two appends never get the same
 * one.
 */
const INSERT = `INSERT INTO events (session_id, number, id, type, stage, message, payload, created_at,
		idempotency_key, idempotency_fingerprint, followed)
	SELECT id, number, printf('evt_%010d', number) || ?, ?, ?, ?, ?, ?, ?, ?, followed_until > ?
	FROM (SELECT id, followed_until, 1 + ${LATEST_POSITION} AS number
		FROM sessions WHERE ${THIS_LIVE})`;

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
		FROM (SELECT id, version, ${LATEST_POSITION} AS latest
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
