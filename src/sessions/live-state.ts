import { type SnapshotSource, stateOf } from '../events/follow.ts';
import { MAX_WAITING } from '../following/backlog.ts';
import { changeFrame, snapshotFrame } from '../following/frames.ts';
import type { Notice } from '../following/notices.ts';
import { type Change, isMerge } from './changes.ts';
import { findSession } from './details-store.ts';
import * as examples from './examples.ts';
import { columnOf, sessionFields } from './fields.ts';
import { jsonOf, sessionJson } from './json.ts';
import type { SessionRow } from './row-store.ts';

/** The snapshots of sessions, for followers who hold the whole state. */
export const snapshots: SnapshotSource = {
	async read(db, reference) {
		const row = await findSession(db, reference);
		return (
			row && {
				state: stateOf(row),
				tail: row.latestEvent,
				frames: snapshotFrame(row.version, sessionJson(row)),
			}
		);
	},
	examples: {
		snapshot: snapshotFrame(7, JSON.stringify(examples.session)),
		change: changeFrame(
			{ version: 8, updatedAt: examples.session.updatedAt },
			{ set: { status: '"complete"' }, merge: { plan: JSON.stringify(examples.merge.plan) } },
		),
	},
};

/**
 * The notice about changes that were made to a session: the new values of fields, and the patches of merges as they were sent.
 * `tail` is the position of the latest event before them. It has no frame when that is larger than a follower can hold.
 */
export function changeNotice(row: SessionRow, tail: number, changes: readonly Change[]): Notice {
	const set: Record<string, string> = {};
	const merge: Record<string, string> = {};
	const changeOf = (wanted: string) => changes.find(({ column }) => column === wanted);
	for (const field of sessionFields) {
		const change = changeOf(columnOf[field]);
		// The hash of a product object follows it, also when the request has none.
		const isSet = change ?? (field === 'productObjectHash' && changeOf(columnOf.productObject));
		if (change && isMerge(change)) merge[field] = change.value;
		else if (isSet) set[field] = jsonOf(row, field);
	}
	const state = stateOf(row);
	const frames = changeFrame(state, { set, merge });
	return { kind: 'change', state, tail, frames: frames.length > MAX_WAITING ? '' : frames };
}
