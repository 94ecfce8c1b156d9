import type { Database, Statement } from '../../core/database.ts';
import { limits } from '../../core/limits.ts';
import { referenceParameters, type SessionReference } from '../../core/session-reference.ts';
import {
	admittedParameter,
	type CurrentVersion,
	columnsBut,
	type Outcome,
	type SessionRow,
	selectVersion,
	staleOrMissing,
	THIS_LIVE,
} from '../store.ts';
import {
	type Change,
	isMerge,
	MAX_MERGE_WORK,
	mergeWork,
	type ObjectColumn,
	type Replacement,
} from './changes.ts';

/**
 * An SQL expression: `column` merged with the next parameter by RFC 7396. SQLite's json_patch compares member names only
 * up to a U+0000, and would write one member over another. So it never sees one: `\u0000` is written as `\ud800\u0001`
 * for it, which nothing else becomes because `\ud800` itself is written as `\ud800\u0002`.
 */
const merged = (column: string): string => {
	const shielded = (text: string) =>
		String.raw`replace(replace(${text}, '\ud800', '\ud800\u0002'), '\u0000', '\ud800\u0001')`;
	const patched = `json_patch(${shielded(`ifnull(${column}, '{}')`)}, ${shielded('?')})`;
	return String.raw`replace(replace(${patched}, '\ud800\u0001', '\u0000'), '\ud800\u0002', '\ud800')`;
};

const assignment = (change: Change) => `${change.column} = ${isMerge(change) ? merged(change.column) : '?'}`;

/**
 * The statement that makes changes to a session, if it has one of the versions (undefined: any). It returns the row
 * without what it was sent. `guarded`: it changes nothing where the merges would cost more than MAX_MERGE_WORK.
 */
function updateStatement(
	reference: SessionReference,
	changes: readonly Change[],
	versions: readonly number[] | undefined,
	guarded: boolean,
): Statement {
	const merges = guarded ? changes.filter(isMerge) : [];
	const work = merges.map(({ column }) => `? * ifnull(octet_length(${column}), 0)`).join(' + ');
	// updated_at never runs backwards, however the clocks of two locations differ.
	const sql = `UPDATE sessions SET ${changes.map(assignment).join(', ')}, version = version + 1,
		updated_at = max(updated_at, ?) WHERE ${THIS_LIVE}
		${versions ? "AND instr(?, ',' || version || ',') > 0" : ''} ${guarded ? `AND ${work} <= ?` : ''}
		RETURNING ${columnsBut(replacements(changes).map(({ column }) => column))}`;
	const parameters = [
		...changes.map(({ value }) => value),
		reference.now,
		...referenceParameters(reference),
		...(versions ? [admittedParameter(versions)] : []),
		...(guarded ? [...merges.map(({ members }) => members), MAX_MERGE_WORK - mergeWork(merges, 0)] : []),
	];
	return { sql, parameters };
}

const replacements = (changes: readonly Change[]): Replacement[] =>
	changes.filter((change) => change.mode === 'set');

const withSent = (row: SessionRow, changes: readonly Change[]): SessionRow => ({
	...row,
	...Object.fromEntries(replacements(changes).map(({ column, value }) => [column, value])),
});

/**
 * Changes a session in one statement that also checks its owner, its life and its version. 'costly': nothing was changed,
 * because the merges would take D1 too long. Never repeated: whether a lost one was done cannot be told, and doing it
 * again could undo somebody else's later change.
 */
export async function updateSession(
	db: Database,
	reference: SessionReference,
	changes: readonly Change[],
	versions: readonly number[] | undefined,
): Promise<Outcome<SessionRow> | { is: 'costly' }> {
	const merges = changes.filter(isMerge);
	if (mergeWork(merges, 0) > MAX_MERGE_WORK) return { is: 'costly' };
	const guarded = mergeWork(merges, limits.storedObject) > MAX_MERGE_WORK;
	const update = updateStatement(reference, changes, versions, guarded);
	const why = versions || guarded ? [selectVersion(reference)] : [];
	const [[row], [current] = []] = await db.run<[SessionRow, CurrentVersion]>([update, ...why], {
		idempotent: false,
	});
	if (row) return { is: 'done', result: withSent(row, changes) };
	const isStale = current === undefined || versions?.includes(current.version) === false;
	return isStale ? staleOrMissing(current) : { is: 'costly' };
}

/** A session's version, with the objects that were asked for. */
export type VersionedObjects = CurrentVersion & Partial<Record<ObjectColumn, string | null>>;

/** Reads what a merge in the Worker begins with, or undefined. */
export async function readObjects(
	db: Database,
	reference: SessionReference,
	columns: readonly ObjectColumn[],
): Promise<VersionedObjects | undefined> {
	const [[row]] = await db.run<[VersionedObjects]>([selectVersion(reference, columns)], { idempotent: true });
	return row;
}

/** Replaces columns of a session that still has a version; undefined when it has another, or is gone. Never repeated. */
export async function replaceOnVersion(
	db: Database,
	reference: SessionReference,
	changes: readonly Replacement[],
	version: number,
): Promise<SessionRow | undefined> {
	const [[row]] = await db.run<[SessionRow]>([updateStatement(reference, changes, [version], false)], {
		idempotent: false,
	});
	return row && withSent(row, changes);
}
