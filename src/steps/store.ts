import type { Database } from '../core/database.ts';
import { type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import { sql } from '../core/sql.ts';
import {
	type Append,
	type Appended,
	hasEventsOf,
	hasJustGot,
	insertEvents,
	selectEventsOfKey,
} from '../events/append-store.ts';
import type { EventRow } from '../events/row-store.ts';
import type { Change } from '../sessions/changes.ts';
import type { Versions } from '../sessions/precondition.ts';
import { type SessionRow, selectSession } from '../sessions/row-store.ts';
import { changeable, updateStatements, withRequestContent } from '../sessions/update-store.ts';

/** The events and the changes of a step. Without changes the session stays the same. */
export interface Step extends Append {
	changes: readonly Change[];
	/** The HISTORY_BYTES of the settings. */
	historyBytes: number;
}

export interface StepRows {
	events: EventRow[];
	session: SessionRow;
}

/**
 * Appends the events of a step and changes the session, in one transaction. The change has the condition of the events, and
 * that this step has just appended them, so either both take effect or neither does. When neither does, it returns the session
 * as it is, with the fingerprint of an earlier attempt; undefined without a session.
 */
export async function insertStep(
	db: Database,
	reference: SessionReference,
	step: Step,
	versions: Versions,
): Promise<{ done: StepRows } | { done: undefined; current: Appended | undefined }> {
	const { changes, idempotency, historyBytes } = step;
	const condition = changeable(reference, changes, versions);
	const isAppended = idempotency ? hasEventsOf(idempotency) : hasJustGot(step.events);
	const appended = sql`${condition} AND ${isAppended}`;
	const { events, session, also } = await insertEvents<SessionRow[]>(db, reference, step, {
		condition,
		also:
			changes.length === 0
				? [selectSession(reference)]
				: updateStatements(changes, reference, appended, historyBytes),
	});
	const [changed] = also.at(-1) ?? [];
	if (events.length === 0 || !changed) return { done: undefined, current: session };
	return { done: { events, session: withRequestContent(changed, changes) } };
}

/**
 * Reads the `count` events of a step that was done before, and the current session. Throws SESSION_NOT_FOUND.
 */
export async function readStep(
	db: Database,
	reference: SessionReference,
	key: string,
	count: number,
): Promise<StepRows> {
	const [events, [session]] = await db.run<[EventRow, SessionRow]>([
		selectEventsOfKey(reference, key, count),
		selectSession(reference),
	]);
	if (!session) throw sessionNotFound();
	return { events, session };
}
