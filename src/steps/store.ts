import type { Condition, Database } from '../core/database.ts';
import type { SessionReference } from '../core/session-reference.ts';
import { type EventRow, insertEvents, type NewEvent, selectEventsFromKey } from '../events/store.ts';
import type { Idempotency } from '../http/idempotency.ts';
import type { ObjectColumn } from '../sessions/schema.ts';
import { type CurrentVersion, type SessionRow, selectSession, selectVersion } from '../sessions/store.ts';
import type { Change } from '../sessions/update/changes.ts';
import {
	allOf,
	type ChangeOutcome,
	changeable,
	updateStatement,
	type VersionedObjects,
	whyNot,
	withSent,
} from '../sessions/update/store.ts';

/** The events and the changes of a step. Without changes the session stays the same. */
export interface Step {
	events: readonly NewEvent[];
	changes: readonly Change[];
	idempotency: Idempotency | undefined;
}

export interface StepRows {
	events: EventRow[];
	session: SessionRow;
}

/** The fingerprint that is stored with the idempotency key of an event, or null. */
interface Fingerprint {
	fingerprint: string | null;
}
const FINGERPRINT = `(SELECT idempotency_fingerprint FROM events
	WHERE session_id = sessions.id AND events.idempotency_key = ?) AS fingerprint`;
const hasNoEventOf = (key: string): Condition => ({
	sql: `NOT EXISTS (SELECT 1 FROM events WHERE session_id = sessions.id AND events.idempotency_key = ?)`,
	parameters: [key],
});
/** Whether this attempt inserted the step's events. An earlier attempt inserted them at an earlier version. */
const hasEventsOf = ({ key, fingerprint }: Idempotency): Condition => ({
	sql: `EXISTS (SELECT 1 FROM events WHERE session_id = sessions.id AND events.idempotency_key = ?
		AND events.idempotency_fingerprint = ? || ':' || sessions.version)`,
	parameters: [key, fingerprint],
});

/**
 * Appends the events of a step and changes the session, in one transaction. Both statements have the same condition on
 * the session, so either both take effect or neither does. 'repeated': an event already has the idempotency key, and
 * nothing was done. The statements are retried only with a key, because a second run then does nothing.
 */
export async function insertStep(
	db: Database,
	reference: SessionReference,
	{ events, changes, idempotency }: Step,
	versions: readonly number[] | undefined,
): Promise<ChangeOutcome<StepRows> | { is: 'repeated'; fingerprint: string }> {
	const { now, owner } = reference;
	const key = idempotency?.key;
	const condition = changeable(reference, changes, versions);
	const [inserted, [session], [current]] = await db.run<
		[{ position: number; id: string }, SessionRow, CurrentVersion & Fingerprint]
	>(
		[
			insertEvents(
				events,
				key === undefined ? condition : allOf([condition, hasNoEventOf(key)]),
				now,
				idempotency,
			),
			changes.length === 0
				? selectSession(reference)
				: updateStatement(
						changes,
						now,
						idempotency ? allOf([condition, hasEventsOf(idempotency)]) : condition,
					),
			selectVersion(reference, [FINGERPRINT], [key ?? null]),
		],
		{ idempotent: idempotency !== undefined },
	);
	if (inserted.length === 0 || !session) {
		const fingerprint = current?.fingerprint;
		return fingerprint ? { is: 'repeated', fingerprint } : whyNot(current, versions);
	}
	const ownerColumns = { user_id: owner.userId, organization_id: owner.organizationId };
	const positions = inserted.sort((a, b) => a.position - b.position);
	const rows = events.flatMap((event, at): EventRow[] => {
		const position = positions[at];
		return position
			? [{ ...event, ...position, created_at: now, session_id: reference.id, ...ownerColumns }]
			: [];
	});
	return { is: 'done', result: { events: rows, session: withSent(session, changes) } };
}

/** Reads the input of a step's merge in the Worker, and whether the step was done before. */
export async function readForStep(
	db: Database,
	reference: SessionReference,
	columns: readonly ObjectColumn[],
	key: string | undefined,
): Promise<(VersionedObjects & Fingerprint) | undefined> {
	const [[row]] = await db.run<[VersionedObjects & Fingerprint]>(
		[selectVersion(reference, [FINGERPRINT, ...columns], [key ?? null])],
		{ idempotent: true },
	);
	return row;
}

/** Reads the `count` events of a step that was done before, and the current session. Undefined without the session. */
export async function readStep(
	db: Database,
	reference: SessionReference,
	key: string,
	count: number,
): Promise<StepRows | undefined> {
	const [events, [session]] = await db.run<[EventRow, SessionRow]>(
		[selectEventsFromKey(reference, key, count), selectSession(reference)],
		{ idempotent: true },
	);
	return session && { events, session };
}
