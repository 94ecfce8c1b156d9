import type { Database } from '../core/database.ts';
import { type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import { idempotencyKeyReused } from '../http/idempotency.ts';
import { stale, unwrap } from '../sessions/outcome.ts';
import { untilNotOvertaken } from '../sessions/update/overtaken.ts';
import { isTooCostly } from '../sessions/update/store.ts';
import { mergedColumns, mergedWith, refuseTooLarge, withOwnHash } from '../sessions/update/update.ts';
import { insertStep, readForStep, readStep, type Step, type StepRows } from './store.ts';

/**
 * Appends the events of a step and changes the session, both or neither, if the session has one of the versions
 * (undefined: any). If the session already has the idempotency key, it does nothing, whatever the versions, and returns
 * the original events with the current session. The Worker makes the same merges for a step as for a PATCH.
 * Throws SESSION_NOT_FOUND, PRECONDITION_FAILED, PAYLOAD_TOO_LARGE, IDEMPOTENCY_KEY_REUSED, and DatabaseUnavailable
 * when others never stop writing.
 */
export async function addStep(
	db: Database,
	reference: SessionReference,
	step: Step,
	versions: readonly number[] | undefined,
): Promise<StepRows> {
	const repeated = (fingerprint: string) => repeatedStep(db, reference, step, fingerprint);
	const changes = await withOwnHash(step.changes);
	if (changes && !isTooCostly(changes)) {
		const outcome = await refuseTooLarge(changes, () =>
			insertStep(db, reference, { ...step, changes }, versions),
		);
		if (outcome.is === 'repeated') return repeated(outcome.fingerprint);
		if (outcome.is !== 'costly') return unwrap(outcome);
	}
	return untilNotOvertaken({ queries: 4 }, async () => {
		const current = await readForStep(db, reference, mergedColumns(step.changes), step.idempotency?.key);
		if (!current) throw sessionNotFound();
		if (current.fingerprint !== null) return repeated(current.fingerprint);
		if (versions && !versions.includes(current.version)) throw stale(current);
		const merged = { ...step, changes: await mergedWith(current, step.changes) };
		const outcome = await insertStep(db, reference, merged, [current.version]);
		if (outcome.is === 'repeated') return repeated(outcome.fingerprint);
		return outcome.is === 'done' ? outcome.result : undefined;
	});
}

/** The stored fingerprint ends with the version of the session before the step. */
async function repeatedStep(
	db: Database,
	reference: SessionReference,
	{ events, idempotency }: Step,
	fingerprint: string,
): Promise<StepRows> {
	if (!idempotency || fingerprint.split(':')[0] !== idempotency.fingerprint) {
		throw idempotencyKeyReused();
	}
	const rows = await readStep(db, reference, idempotency.key, events.length);
	if (!rows) throw sessionNotFound();
	return rows;
}
