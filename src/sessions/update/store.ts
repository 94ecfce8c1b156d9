import type { Condition, Database, Statement } from '../../core/database.ts';
import { limits } from '../../core/limits.ts';
import type { SessionReference } from '../../core/session-reference.ts';
import type { ObjectColumn } from '../schema.ts';
import {
	type CurrentVersion,
	columnsBut,
	liveInVersion,
	type Outcome,
	type SessionRow,
	selectVersion,
	staleOrMissing,
} from '../store.ts';
import { type Change, isMerge, MAX_MERGE_WORK, type Merge, mergeWork, type Replacement } from './changes.ts';

/** Undefined allows any version. */
type Versions = readonly number[] | undefined;

/**
 * An SQL expression: `column` merged with the next parameter by RFC 7396. SQLite's json_patch compares member names
 * only up to a U+0000, and would overwrite one member with another. The expression therefore encodes `\u0000` as
 * `\ud800\u0001`. No other text has that encoding, because `\ud800` itself becomes `\ud800\u0002`.
 */
const merged = (column: string): string => {
	const shielded = (text: string) =>
		String.raw`replace(replace(${text}, '\ud800', '\ud800\u0002'), '\u0000', '\ud800\u0001')`;
	const patched = `json_patch(${shielded(`ifnull(${column}, '{}')`)}, ${shielded('?')})`;
	return String.raw`replace(replace(${patched}, '\ud800\u0001', '\u0000'), '\ud800\u0002', '\ud800')`;
};

const assignment = (change: Change) => `${change.column} = ${isMerge(change) ? merged(change.column) : '?'}`;

/** Whether the merges need a condition on the size of the stored objects. */
const isGuarded = (merges: readonly Merge[]) => mergeWork(merges, limits.storedObject) > MAX_MERGE_WORK;

/** Whether merges cost D1 too much, whatever the size of the stored objects. */
export const isTooCostly = (changes: readonly Change[]): boolean =>
	mergeWork(changes.filter(isMerge), 0) > MAX_MERGE_WORK;

/**
 * The condition on a session's row for changes to it: it belongs to the caller, has not expired, has one of the
 * versions (undefined: any), and its objects are small enough for D1 to merge into them.
 */
export function changeable(
	reference: SessionReference,
	changes: readonly Change[],
	versions: Versions,
): Condition {
	const all: Condition[] = [liveInVersion(reference, versions)];
	const merges = changes.filter(isMerge);
	if (isGuarded(merges)) {
		all.push({
			sql: `${merges.map(({ column }) => `? * ifnull(octet_length(${column}), 0)`).join(' + ')} <= ?`,
			parameters: [...merges.map(({ members }) => members), MAX_MERGE_WORK - mergeWork(merges, 0)],
		});
	}
	return allOf(all);
}

export const allOf = (conditions: readonly Condition[]): Condition => ({
	sql: conditions.map(({ sql }) => sql).join(' AND '),
	parameters: conditions.flatMap(({ parameters }) => parameters),
});

/** The statement that changes the session of a condition. It returns the row without the content of the request. */
export function updateStatement(changes: readonly Change[], now: string, condition: Condition): Statement {
	// updated_at never goes back, even if the clocks of two locations differ.
	const sql = `UPDATE sessions SET ${changes.map(assignment).join(', ')}, version = version + 1,
		updated_at = max(updated_at, ?) WHERE ${condition.sql}
		RETURNING ${columnsBut(replacements(changes).map(({ column }) => column))}`;
	return { sql, parameters: [...changes.map(({ value }) => value), now, ...condition.parameters] };
}

const replacements = (changes: readonly Change[]): Replacement[] =>
	changes.filter((change) => change.mode === 'set');

/** The row from updateStatement, with the content of the request added. */
export const withSent = (row: SessionRow, changes: readonly Change[]): SessionRow => ({
	...row,
	...Object.fromEntries(replacements(changes).map(({ column, value }) => [column, value])),
});

/** The outcome of changes. 'costly': nothing was changed, because the merges would take D1 too long. */
export type ChangeOutcome<T> = Outcome<T> | { is: 'costly' };

/**
 * Changes a session in one statement that also checks its owner, its expiry and its version. It is never retried: after
 * a lost response it is unknown whether the statement ran, and running it again could undo a later change by another
 * writer.
 */
export async function updateSession(
	db: Database,
	reference: SessionReference,
	changes: readonly Change[],
	versions: Versions,
): Promise<ChangeOutcome<SessionRow>> {
	if (isTooCostly(changes)) return { is: 'costly' };
	const update = updateStatement(changes, reference.now, changeable(reference, changes, versions));
	const why = versions || isGuarded(changes.filter(isMerge)) ? [selectVersion(reference)] : [];
	const [[row], [current] = []] = await db.run<[SessionRow, CurrentVersion]>([update, ...why], {
		idempotent: false,
	});
	return row ? { is: 'done', result: withSent(row, changes) } : whyNot(current, versions);
}

/** Finds out why changes were not made, from the session in the same transaction. */
export function whyNot(current: CurrentVersion | undefined, versions: Versions): ChangeOutcome<never> {
	const isStale = current === undefined || versions?.includes(current.version) === false;
	return isStale ? staleOrMissing(current) : { is: 'costly' };
}

/** A session's version, with the requested objects. */
export type VersionedObjects = CurrentVersion & Partial<Record<ObjectColumn, string | null>>;

/** Reads the input of a merge in the Worker, or undefined. */
export async function readObjects(
	db: Database,
	reference: SessionReference,
	columns: readonly ObjectColumn[],
): Promise<VersionedObjects | undefined> {
	const [[row]] = await db.run<[VersionedObjects]>([selectVersion(reference, columns)], { idempotent: true });
	return row;
}

/**
 * Replaces columns of a session that still has a version. Returns undefined when it has another one, was deleted or has
 * expired. It is never retried.
 */
export async function replaceOnVersion(
	db: Database,
	reference: SessionReference,
	changes: readonly Replacement[],
	version: number,
): Promise<SessionRow | undefined> {
	const update = updateStatement(changes, reference.now, changeable(reference, changes, [version]));
	const [[row]] = await db.run<[SessionRow]>([update], { idempotent: false });
	return row && withSent(row, changes);
}
