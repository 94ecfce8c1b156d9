import type { Database, Statement } from '../core/database.ts';
import { referenceParameters, type SessionReference } from '../core/session-reference.ts';
import type { Idempotency } from '../http/idempotency.ts';

/** A stored event. The payload is JSON text; the owner is the session's. */
export interface EventRow {
	/** The event's place in its session, from 1. */
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
	WHERE sessions.id = ? AND sessions.user_id = ? AND sessions.organization_id IS ? AND sessions.expires_at > ?`;

export interface NewEvent {
	type: string;
	stage: string | null;
	message: string | null;
	payload: string;
	/** Twenty random hex digits: the part of the id that nobody can guess. */
	nonce: string;
}

/** One statement reads and uses the next number, and D1 runs one statement at a time: two appends cannot share one. */
const INSERT = `INSERT INTO events (session_id, number, id, type, stage, message, payload, created_at,
		idempotency_key, idempotency_fingerprint, followed)
	SELECT id, number, printf('evt_%010d', number) || ?, ?, ?, ?, ?, ?, ?, ?, followed_until > ?
	FROM (SELECT id, followed_until, 1 + ifnull((SELECT max(number) FROM events WHERE session_id = sessions.id), 0) AS number
		FROM sessions WHERE id = ? AND user_id = ? AND organization_id IS ? AND expires_at > ?)`;

/**
 * Appends an event, and returns it; undefined when there is no such session. With an idempotency key that an event of the
 * session has, it appends nothing and returns that event with its fingerprint. It is retried only with a key. `isFollowed`
 * says whether the session's followers are to be told of the event.
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
			// WHERE true: without it SQLite would read ON CONFLICT as a join's ON.
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

/** The statement that reads a session's latest events, the latest first. */
export const selectLatestEvents = (reference: SessionReference, max: number): Statement => ({
	sql: `SELECT ${COLUMNS} ${OF_LIVE_SESSION} ORDER BY events.number DESC LIMIT ?`,
	parameters: [...referenceParameters(reference), max],
});

/**
 * Reads at most `max` events of a session after the event `after`, the oldest first. `session` says whether the session
 * exists, `cursor` whether `after` is one of its events.
 */
export async function readEvents(
	db: Database,
	reference: SessionReference,
	after: { id: string; position: number } | undefined,
	max: number,
): Promise<{ session: boolean; cursor: boolean; events: EventRow[] }> {
	const [sessions, events, cursors = []] = await db.run<[{ id: string }, EventRow, { id: string }]>(
		[
			{
				sql: 'SELECT id FROM sessions WHERE id = ? AND user_id = ? AND organization_id IS ? AND expires_at > ?',
				parameters: referenceParameters(reference),
			},
			{
				sql: `SELECT ${COLUMNS} ${OF_LIVE_SESSION} AND events.number > ? ORDER BY events.number LIMIT ?`,
				parameters: [...referenceParameters(reference), after?.position ?? 0, max],
			},
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
	return { session: sessions.length > 0, cursor: !after || cursors.length > 0, events };
}
