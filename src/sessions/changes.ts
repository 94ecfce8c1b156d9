import { limits } from '../core/limits.ts';
import { type JsonText, textOrTooLarge } from '../json/json-text.ts';
import { countMembers } from '../json/merge-patch.ts';
import { type ObjectColumn, type ObjectField, objectColumns, objectFields } from './fields.ts';

/** The change of one column by a PATCH. */
export type Change = Replacement | Merge;
/** Sets the column to a new value. */
export interface Replacement {
	column: ObjectColumn | 'expires_at' | 'product_object_hash' | 'status';
	mode: 'set';
	value: string | null;
	/** What the Worker made the value from, if it is the result of a merge. */
	merge?: { object: string | null; patch: string };
}
/** Merges a JSON object into the column by RFC 7396. */
export interface Merge {
	column: ObjectColumn;
	mode: 'merge';
	value: string;
	/** The number of members of the value at all depths. */
	members: number;
}

export const isMerge = (change: Change): change is Merge => change.mode === 'merge';

type Fields = Partial<Record<ObjectField, JsonText | null | undefined>> & {
	productObjectHash?: string | null | undefined;
	status?: string | undefined;
};

/**
 * Returns the changes of the session's columns by a validated PATCH. An object replaces the stored one, or merges into
 * it by RFC 7396. The hash of a product object is left out when the body does not have it. Throws PAYLOAD_TOO_LARGE.
 *
 * A stored object has at most `limits.storedObject` bytes. This checks an object that replaces the stored one, and
 * `newContent` in create.ts the object of a create. The result of a merge is known only later: `mergedWith` in update.ts
 * checks a merge in the Worker, and a CHECK constraint a merge in D1, which `tooLargeAsApiError` in update.ts reports.
 */
export function changesOf(fields: Fields, mode: Change['mode']): Change[] {
	const changes: Change[] = [];
	for (const field of objectFields) {
		const column = objectColumns[field];
		const object = fields[field];
		if (object === undefined) continue;
		if (object === null) {
			changes.push({ column, mode: 'set', value: null });
		} else if (mode === 'set') {
			changes.push({ column, mode, value: textOrTooLarge(object, field, limits.storedObject) });
		} else {
			// A patch that removes members may be longer than the object that it makes, so it has the limit of a parameter.
			const value = textOrTooLarge(object, field, limits.boundText);
			changes.push({ column, mode, value, members: countMembers(value) });
		}
	}
	if (fields.productObjectHash !== undefined) {
		changes.push({ column: 'product_object_hash', mode: 'set', value: fields.productObjectHash });
	}
	if (fields.status !== undefined) changes.push({ column: 'status', mode: 'set', value: fields.status });
	return changes;
}

/**
 * The maximum work of one request's merges in D1. SQLite's json_patch scans an object for each merged member, and all
 * other requests wait meanwhile. The unit is one member of the patch times one byte of the object: 1 to 2 ns,
 * up to 4 where names hold escapes (bench/experiments/merge-cost.ts). The Worker makes larger merges itself, in linear time.
 */
export const MAX_MERGE_WORK = 10_000_000;

/** The work of merges into objects of `bytes` bytes each. It includes the scan of the members that the patch adds. */
export const mergeWork = (merges: readonly Merge[], bytes: number): number =>
	merges.reduce((work, { members, value }) => work + members * (bytes + value.length), 0);

/** Whether merges would take D1 too long, whatever the size of the stored objects. */
export const isTooMuchForD1 = (changes: readonly Change[]): boolean =>
	mergeWork(changes.filter(isMerge), 0) > MAX_MERGE_WORK;
