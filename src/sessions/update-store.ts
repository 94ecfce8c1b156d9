import type { Database } from '../core/database.ts';
import { limits } from '../core/limits.ts';
import { type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import { isListed, join, raw, type Sql, sql } from '../core/sql.ts';
import {
	type CurrentVersion,
	LATEST_POSITION,
	ownSession,
	SESSION_BY_ID,
	selectVersion,
} from '../database/session-store.ts';
import { type KeptChange, keepVersion, objectBefore, partsBefore } from '../history/keep-store.ts';
import { beforeMerge } from '../history/parts.ts';
import { oweStatusChange } from '../webhooks/owed-store.ts';
import { type Change, isMerge, MAX_MERGE_WORK, type Merge, mergeWork, type Replacement } from './changes.ts';
import { type ObjectColumn, objectColumns } from './fields.ts';
import { checkVersion, type Versions } from './precondition.ts';
import { columnsBut, type SessionRow } from './row-store.ts';

/**
 * An object, or NULL, after a merge patch (RFC 7396). SQLite's json_patch compares member names only up to a U+0000,
 * and would overwrite one member with another. The expression therefore encodes `\u0000` as `\ud800\u0001`. No other text
 * has that encoding, because `\ud800` itself becomes `\ud800\u0002`.
 */
function merged(object: Sql, patch: Sql): Sql {
	const encoded = (text: Sql) =>
		sql`replace(replace(${text}, '\\ud800', '\\ud800\\u0002'), '\\u0000', '\\ud800\\u0001')`;
	const patched = sql`json_patch(${encoded(sql`ifnull(${object}, '{}')`)}, ${encoded(patch)})`;
	return sql`replace(replace(${patched}, '\\ud800\\u0001', '\\u0000'), '\\ud800\\u0002', '\\ud800')`;
}

const assignment = (change: Change): Sql =>
	sql`${raw(change.column)} = ${isMerge(change) ? merged(raw(change.column), sql`${change.value}`) : change.value}`;

/** The condition on a session that has one of the versions (undefined: any). */
export const ownSessionAt = (reference: SessionReference, versions: Versions): Sql =>
	versions ? sql`${ownSession(reference)} AND ${isListed(raw('version'), versions)}` : ownSession(reference);

/** Whether D1 merges only if the stored objects are small enough. */
const needsSizeCheck = (merges: readonly Merge[]): boolean =>
	mergeWork(merges, limits.storedObject) > MAX_MERGE_WORK;

/**
 * The condition on a session for changes to it: it belongs to the caller, has not expired, has one of the versions, and its
 * objects are small enough for D1 to merge into them.
 */
export function changeable(reference: SessionReference, changes: readonly Change[], versions: Versions): Sql {
	const session = ownSessionAt(reference, versions);
	const merges = changes.filter(isMerge);
	if (!needsSizeCheck(merges)) return session;
	const work = merges.map(({ column, members }) => sql`${members} * ifnull(octet_length(${raw(column)}), 0)`);
	return sql`${session} AND ${join(work, ' + ')} <= ${MAX_MERGE_WORK - mergeWork(merges, 0)}`;
}

/** What history needs of changes. */
function keptChange(changes: readonly Change[]): KeptChange {
	const objects: Record<string, Sql> = {};
	for (const change of changes.filter(({ column }) =>
		Object.values<string>(objectColumns).includes(column),
	)) {
		const { column } = change;
		if (isMerge(change)) objects[column] = partsBefore(column, change.value, merged);
		else if (change.merge) objects[column] = sql`${beforeMerge(change.merge.object, change.merge.patch)}`;
		else objects[column] = objectBefore(column);
	}
	return { columns: changes.map(({ column }) => column), objects };
}

/** A changed session. */
export interface ChangedRow extends SessionRow {
	/** The position of its latest event, 0 without events. Null when nobody follows the session, or nothing has changed. */
	tail: number | null;
}

/**
 * Changes the session of a condition. The last statement returns the row without the content of the request. Those before it owe
 * what webhooks are to be told of the change, and keep the version that it replaces, unless history is off.
 */
export const updateStatements = (
	changes: readonly Change[],
	reference: SessionReference,
	condition: Sql,
	historyBytes: number,
): Sql[] => [
	...oweStatusChange(reference, statusOf(changes), condition),
	...(historyBytes === 0 ? [] : keepVersion(reference.id, condition, keptChange(changes), historyBytes)),
	// updated_at never goes back, even if the clocks of two locations differ.
	sql`UPDATE ${SESSION_BY_ID} SET ${join(changes.map(assignment))}, version = version + 1, updated_at = max(updated_at, ${reference.now})
		WHERE ${condition} RETURNING ${columnsBut(replacements(changes).map(({ column }) => column))},
		CASE WHEN followed_until > ${reference.now} THEN ${LATEST_POSITION} END AS tail`,
];

const replacements = (changes: readonly Change[]): Replacement[] =>
	changes.filter((change) => change.mode === 'set');

/** The status that changes set. Undefined: they set none. */
const statusOf = (changes: readonly Change[]): string | null | undefined =>
	replacements(changes).find(({ column }) => column === 'status')?.value;

/** The row from updateStatement, with the content of the request added. */
export const withRequestContent = <Row extends SessionRow>(row: Row, changes: readonly Change[]): Row => ({
	...row,
	...Object.fromEntries(replacements(changes).map(({ column, value }) => [column, value])),
});

/**
 * Changes a session in one statement that also checks its owner, its expiry and its version. It is never retried: after
 * a lost response it is unknown whether the statement ran, and running it again could undo a later change by another
 * writer. 'too much for D1': nothing was changed, because the stored objects are too large for D1 to merge into.
 * Throws SESSION_NOT_FOUND, PRECONDITION_FAILED.
 */
export async function updateSession(
	db: Database,
	reference: SessionReference,
	changes: readonly Change[],
	versions: Versions,
	historyBytes: number,
): Promise<ChangedRow | 'too much for D1'> {
	const needsReason = versions !== undefined || needsSizeCheck(changes.filter(isMerge));
	const condition = changeable(reference, changes, versions);
	const results = await db.run<unknown[]>([
		...updateStatements(changes, reference, condition, historyBytes),
		...(needsReason ? [selectVersion(reference)] : []),
	]);
	const [[row], [current] = []] = results.slice(needsReason ? -2 : -1) as [ChangedRow[], CurrentVersion[]?];
	return row ? withRequestContent(row, changes) : reasonNotChanged(current, versions);
}

/**
 * Says why changes were not made, from the session in the same transaction. Throws SESSION_NOT_FOUND, and
 * PRECONDITION_FAILED when it does not have one of the versions.
 */
export function reasonNotChanged(current: CurrentVersion | undefined, versions: Versions): 'too much for D1' {
	if (!current) throw sessionNotFound();
	checkVersion(current, versions);
	return 'too much for D1';
}

/** A session's version, with the requested objects. */
export type VersionedObjects = CurrentVersion & Partial<Record<ObjectColumn, string | null>>;

/** Reads the input of a merge in the Worker, and further columns. Throws SESSION_NOT_FOUND. */
export async function readObjects<More = unknown>(
	db: Database,
	reference: SessionReference,
	columns: readonly ObjectColumn[],
	more: readonly Sql[] = [],
): Promise<VersionedObjects & More> {
	const row = await db.first<VersionedObjects & More>(
		selectVersion(reference, [...columns.map(raw), ...more]),
	);
	if (!row) throw sessionNotFound();
	return row;
}

/**
 * Replaces columns of a session that still has a version. 'overtaken': it has another one, was deleted or has expired. It is
 * never retried.
 */
export async function replaceOnVersion(
	db: Database,
	reference: SessionReference,
	changes: readonly Replacement[],
	version: number,
	historyBytes: number,
): Promise<ChangedRow | 'overtaken'> {
	const condition = ownSessionAt(reference, [version]);
	const results = await db.run<ChangedRow[]>(updateStatements(changes, reference, condition, historyBytes));
	const [row] = results.at(-1) ?? [];
	return row ? withRequestContent(row, changes) : 'overtaken';
}
