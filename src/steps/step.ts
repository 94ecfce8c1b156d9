import type { Database } from '../core/database.ts';
import type { SessionReference } from '../core/session-reference.ts';
import { checkRepeated, fingerprintColumn, isReplayOf } from '../events/append-store.ts';
import { checkEventQuota } from '../events/quota.ts';
import type { Change } from '../sessions/changes.ts';
import { checkVersion, type Versions } from '../sessions/precondition.ts';
import { mergedColumns, mergedWith, writeOrMerge } from '../sessions/update.ts';
import { readObjects, reasonNotChanged } from '../sessions/update-store.ts';
import { insertStep, readStep, type Step, type StepRows } from './store.ts';

/** The result of a step. A replay returns the events of an earlier attempt. */
export interface StepResult extends StepRows {
	isReplay: boolean;
}

/**
 * Appends the events of a step and changes the session, both or neither, if the session has one of the versions. If the
 * session already has the idempotency key, it does nothing, whatever the versions, and returns the original events with the
 * current session. The Worker makes the same merges for a step as for a PATCH.
 * Throws SESSION_NOT_FOUND, PRECONDITION_FAILED, PAYLOAD_TOO_LARGE, IDEMPOTENCY_KEY_REUSED, QUOTA_EXCEEDED, and
 * DatabaseUnavailable when others never stop writing.
 */
export async function addStep(
	db: Database,
	reference: SessionReference,
	step: Step,
	versions: Versions,
): Promise<StepResult> {
	const { idempotency } = step;

	async function replay(fingerprint: string | null): Promise<StepResult | undefined> {
		if (!idempotency || fingerprint === null) return undefined;
		checkRepeated(idempotency, fingerprint);
		const rows = await readStep(db, reference, idempotency.key, step.events.length);
		return { ...rows, isReplay: isReplayOf(rows.events[0]?.id, step.events[0]) };
	}

	async function write<Otherwise>(
		changes: readonly Change[],
		allowed: Versions,
		otherwise: (current: Parameters<typeof reasonNotChanged>[0]) => Otherwise,
	): Promise<StepResult | Otherwise> {
		const outcome = await insertStep(db, reference, { ...step, changes }, allowed);
		if (outcome.done) return { ...outcome.done, isReplay: false };
		const { current } = outcome;
		const replayed = await replay(current?.fingerprint ?? null);
		if (replayed) return replayed;
		if (current) checkEventQuota(current, step.events, step.quota);
		return otherwise(current);
	}

	return writeOrMerge<StepResult>(reference.owner, step.changes, {
		queries: 4,
		write: (changes) => write(changes, versions, (current) => reasonNotChanged(current, versions)),
		async mergeAndWrite() {
			const current = await readObjects<{ fingerprint: string | null }>(
				db,
				reference,
				mergedColumns(step.changes),
				[fingerprintColumn(idempotency?.key)],
			);
			const replayed = await replay(current.fingerprint);
			if (replayed) return replayed;
			checkVersion(current, versions);
			const changes = await mergedWith(reference.owner, current, step.changes);
			return write(changes, [current.version], () => 'overtaken' as const);
		},
	});
}
