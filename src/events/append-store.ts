import type { Database, RowsOf } from '../core/database.ts';
import { type Idempotency, idempotencyKeyReused } from '../core/idempotency.ts';
import { limits } from '../core/limits.ts';
import { type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import { join, nothing, raw, type Sql, sql } from '../core/sql.ts';
import { utf8Length } from '../core/text.ts';
import { type CurrentVersion, ownSession, selectWithLastEvent } from '../database/session-store.ts';
import { oweEvents } from '../webhooks/owed-store.ts';
import { bytesOf, checkEventQuota, type EventQuota, totalBytes } from './quota.ts';
import { COLUMNS, type EventRow, ofOwnSession } from './row-store.ts';

export interface NewEvent {
	type: string;
	stage: string | null;
	message: string | null;
	payload: string;
	/** Twenty random hex digits: the part of the id that cannot be guessed. */
	nonce: string;
}

/** Events to append at consecutive positions. A retry with the same Idempotency-Key appends nothing. */
export interface Append {
	events: readonly NewEvent[];
	idempotency: Idempotency | undefined;
	/** What the session may have with these events. */
	quota: EventQuota;
}

/** The session after an append. */
export interface Appended extends CurrentVersion {
	/** The bytes of all its events. */
	eventBytes: number;
	followed_until: string | null;
	/** The fingerprint that is stored with the Idempotency-Key of the append; null without one. */
	fingerprint: string | null;
}

const ofKey = (key: string): Sql => sql`session_id = sessions.id AND events.idempotency_key = ${key}`;

/** The fingerprint that an event of a row of `sessions` has stored with an Idempotency-Key, or NULL. */
export const fingerprintColumn = (key: string | undefined): Sql =>
	key === undefined
		? sql`NULL AS fingerprint`
		: sql`(SELECT idempotency_fingerprint FROM events WHERE ${ofKey(key)}) AS fingerprint`;

/**
 * Whether this attempt inserted the events of an append. The first event stores the fingerprint with the session's version
 * at that time, so events of an earlier attempt, which has changed the session, do not match.
 */
export const hasEventsOf = ({ key, fingerprint }: Idempotency): Sql =>
	sql`EXISTS (SELECT 1 FROM events WHERE ${ofKey(key)}
		AND events.idempotency_fingerprint = ${fingerprint} || ':' || sessions.version)`;

/** The same for an append without a key, which is never repeated: its last event is the session's latest one. */
export const hasJustGot = (events: readonly NewEvent[]): Sql =>
	sql`(SELECT substr(id, ${raw(EVENT_NONCE_AT)}) FROM events WHERE session_id = sessions.id
		ORDER BY position DESC LIMIT 1) = ${events.at(-1)?.nonce ?? null}`;

/** Where the random digits begin in the id of an event, after `evt_` and ten digits. */
const EVENT_NONCE_AT = 15;

/**
 * Appends events to the session of a `condition` on `sessions`, and runs the statements `also` after it in the same
 * transaction. Returns no events when the condition does not hold, when the session has the idempotency key already, or when
 * the events exceed its quota: `session` then says which. The statements are retried only with a key, because a second run then
 * does nothing.
 */
export async function insertEvents<Also extends readonly unknown[]>(
	db: Database,
	reference: SessionReference,
	append: Append,
	{ condition, also }: { condition: Sql; also: readonly Sql[] },
): Promise<{ events: EventRow[]; session: Appended | undefined; also: RowsOf<Also> }> {
	const { idempotency } = append;
	type Inserted = Pick<EventRow, 'position' | 'id'>;
	const [inserted, [session], ...rows] = await db.run<[Inserted, Appended, ...Also]>(
		[
			insertStatement(append, condition, reference.now),
			selectWithLastEvent(
				[
					sql`version`,
					sql`ifnull(last_event.position, 0) AS latestEvent`,
					sql`ifnull(last_event.bytes_so_far, 0) AS eventBytes`,
					sql`followed_until`,
					fingerprintColumn(idempotency?.key),
				],
				ownSession(reference),
			),
			...also,
			oweEvents(
				reference,
				append.events.map(({ nonce }) => nonce),
			),
		],
		{ idempotent: idempotency !== undefined },
	);
	const events = rowsOf(append.events, inserted, reference);
	return { events, session, also: rows as unknown as RowsOf<Also> };
}

/**
 * D1 runs one statement at a time, so this one reads the latest event, checks the quota and uses the next positions without a
 * race.
 */
function insertStatement({ events, idempotency, quota }: Append, condition: Sql, now: string): Sql {
	const { key = null, fingerprint = null } = idempotency ?? {};
	const unlessRepeated =
		key === null ? nothing : sql` AND NOT EXISTS (SELECT 1 FROM events WHERE ${ofKey(key)})`;
	const session = selectWithLastEvent(
		[
			sql`sessions.id`,
			sql`version`,
			sql`ifnull(last_event.position, 0) AS latest`,
			sql`ifnull(last_event.bytes_so_far, 0) AS bytes`,
		],
		sql`${condition}${unlessRepeated}`,
	);
	return sql`INSERT INTO events (session_id, position, bytes_so_far, id, type, stage, message, payload, created_at,
			idempotency_key, idempotency_fingerprint)
		SELECT session.id, latest + place, bytes + (value ->> 5), printf('evt_%010d', latest + place) || (value ->> 0),
			value ->> 1, value ->> 2, value ->> 3, value ->> 4, ${now}, iif(place = 1, ${key}, NULL),
			iif(place = 1, ${fingerprint} || ':' || version, NULL)
		FROM (${session}) AS session CROSS JOIN (${placed(events)})
		WHERE latest <= ${quota.MAX_EVENTS_PER_SESSION - events.length}
			AND bytes <= ${quota.MAX_EVENT_BYTES_PER_SESSION - totalBytes(events)}
		RETURNING position, id`;
}

/** The rows of inserted events. D1 returns only what the caller has not sent. */
function rowsOf(
	events: readonly NewEvent[],
	inserted: Pick<EventRow, 'position' | 'id'>[],
	{ id, owner, now }: SessionReference,
): EventRow[] {
	const made = inserted.sort((a, b) => a.position - b.position);
	return made.map((row, at) => ({
		...(events[at] as NewEvent),
		...row,
		created_at: now,
		session_id: id,
		user_id: owner.userId,
		organization_id: owner.organizationId,
	}));
}

/**
 * Selects the `place` of each event, from 1 on, and its `value`: a JSON array that ends with the bytes of the events up to it.
 * The arrays are bound as texts that are short
 * enough for one parameter. A payload is a string in the array and not an object, because SQLite would rewrite an object.
 */
function placed(events: readonly NewEvent[]): Sql {
	const texts: { items: string[]; bytes: number; from: number }[] = [];
	let bytesSoFar = 0;
	for (const [at, event] of events.entries()) {
		const { nonce, type, stage, message, payload } = event;
		bytesSoFar += bytesOf(event);
		const item = JSON.stringify([nonce, type, stage, message, payload, bytesSoFar]);
		const bytes = utf8Length(item) + ','.length;
		const last = texts.at(-1);
		if (last && last.bytes + bytes <= limits.boundText) {
			last.items.push(item);
			last.bytes += bytes;
		} else {
			texts.push({ items: [item], bytes: '[]'.length + bytes, from: at + 1 });
		}
	}
	return join(
		texts.map(
			({ items, from }) =>
				sql`SELECT ${from} + key AS place, value FROM json_each(${`[${items.join(',')}]`})`,
		),
		' UNION ALL ',
	);
}

/** Selects `count` events of a session, starting with the one that has an idempotency key. */
export const selectEventsOfKey = (reference: SessionReference, key: string, count: number): Sql =>
	sql`SELECT ${COLUMNS} ${ofOwnSession(reference)} AND events.position >=
		(SELECT position FROM events WHERE session_id = ${reference.id} AND idempotency_key = ${key})
		ORDER BY events.position LIMIT ${count}`;

/** Whether an event with this id is another one than `event`, from an earlier attempt. */
export const isReplayOf = (id: string | undefined, event: NewEvent | undefined): boolean =>
	event !== undefined && id?.endsWith(event.nonce) === false;

/** Throws IDEMPOTENCY_KEY_REUSED when the stored fingerprint of an append is not the one of a retry. */
export function checkRepeated({ fingerprint }: Idempotency, stored: string): void {
	if (stored.split(':')[0] !== fingerprint) throw idempotencyKeyReused();
}

/**
 * Appends one event, or returns the event that an earlier attempt appended, which takes a second trip. `followedUntil` is
 * the time until which writers must tell the session's followers. Throws SESSION_NOT_FOUND, IDEMPOTENCY_KEY_REUSED,
 * QUOTA_EXCEEDED.
 */
export async function appendEvent(
	db: Database,
	reference: SessionReference,
	event: NewEvent,
	idempotency: Idempotency | undefined,
	quota: EventQuota,
): Promise<{ event: EventRow; followedUntil: string | null; isReplay: boolean }> {
	const { events, session } = await insertEvents<[]>(
		db,
		reference,
		{ events: [event], idempotency, quota },
		{ condition: ownSession(reference), also: [] },
	);
	if (!session) throw sessionNotFound();
	const followedUntil = session.followed_until;
	const [appended] = events;
	if (appended) return { event: appended, followedUntil, isReplay: false };
	if (!idempotency || session.fingerprint === null) {
		checkEventQuota(session, [event], quota);
		throw sessionNotFound();
	}
	checkRepeated(idempotency, session.fingerprint);
	const first = await db.first<EventRow>(selectEventsOfKey(reference, idempotency.key, 1));
	if (!first) throw sessionNotFound();
	return { event: first, followedUntil, isReplay: isReplayOf(first.id, event) };
}
