import { limits } from '../../core/limits.ts';
import { type JsonText, textOrTooLarge } from '../../json/json-text.ts';
import { countMembers } from '../../json/merge-patch.ts';
import { type ObjectField, objectColumns } from '../schema.ts';

export type ObjectColumn = (typeof objectColumns)[ObjectField];

/** What a PATCH does to one column. */
export type Change = Replacement | Merge;
/** Sets the column, whatever it holds. */
export interface Replacement {
	column: ObjectColumn | 'expires_at' | 'product_object_hash' | 'status';
	mode: 'set';
	value: string | null;
}
/** Merges a JSON object into the column by RFC 7396. */
export interface Merge {
	column: ObjectColumn;
	mode: 'merge';
	value: string;
	/** How many members the value has, at all depths. */
	members: number;
}

export const isMerge = (change: Change): change is Merge => change.mode === 'merge';

type Fields = Partial<Record<ObjectField, JsonText | null | undefined>> & {
	productObjectHash?: string | null | undefined;
	status?: string | undefined;
};

/**
 * Returns what a validated PATCH does to the session's columns. Objects replace what is there, or merge into it by RFC
 * 7396. The hash of a product object that comes without one is left out. Throws PAYLOAD_TOO_LARGE.
 */
export function changesOf(fields: Fields, mode: Change['mode']): Change[] {
	const changes: Change[] = [];
	for (const [field, column] of Object.entries(objectColumns) as [ObjectField, ObjectColumn][]) {
		const object = fields[field];
		if (object === undefined) continue;
		if (object === null) {
			changes.push({ column, mode: 'set', value: null });
		} else if (mode === 'set') {
			changes.push({ column, mode, value: textOrTooLarge(object, field, limits.storedObject) });
		} else {
			// The limit holds for the result, and a CHECK sees to that.
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
 * The most work that the merges of one request may cost in D1, where SQLite's json_patch looks through an object for each
 * member that is merged into it, while every other request waits. The unit is one member of the patch times one byte of
 * the object; docs/scaling.md has the measurement. A larger merge is made in the Worker, in linear time.
 */
export const MAX_MERGE_WORK = 10_000_000;

/** The work of merges into objects of `bytes` bytes each. What a patch adds is looked through as well. */
export const mergeWork = (merges: readonly Merge[], bytes: number): number =>
	merges.reduce((work, { members, value }) => work + members * (bytes + value.length), 0);
