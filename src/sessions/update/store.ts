import type { Database } from '../../core/database.ts';
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

/** The columns that a PATCH can write. */
export type UpdatableColumn =
	| 'assembly_state'
	| 'plan'
	| 'prd'
	| 'product_object'
	| 'product_object_hash'
	| 'status';

/** What a PATCH does to one column: sets it, or merges a JSON object into it by RFC 7396. */
export interface Change {
	column: UpdatableColumn;
	how: 'set' | 'merge';
	value: string | null;
}

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

const assignment = ({ column, how }: Change) => `${column} = ${how === 'set' ? '?' : merged(column)}`;

/**
 * Changes a session in one statement that also checks its owner, its life and its version. Never repeated: whether a
 * lost one was done cannot be told, and doing it again could undo somebody else's later change.
 */
export async function updateSession(
	db: Database,
	reference: SessionReference,
	changes: readonly Change[],
	versions: readonly number[] | undefined,
): Promise<Outcome<SessionRow>> {
	// updated_at never runs backwards, however the clocks of two locations differ.
	const sql = `UPDATE sessions SET ${changes.map(assignment).join(', ')}, version = version + 1,
		updated_at = max(updated_at, ?) WHERE ${THIS_LIVE}`;
	const parameters = [...changes.map(({ value }) => value), reference.now, ...referenceParameters(reference)];
	const set = changes.filter(({ how }) => how === 'set');
	const returning = `RETURNING ${columnsBut(set.map(({ column }) => column))}`;
	const written = (row: SessionRow): Outcome<SessionRow> => ({
		is: 'done',
		result: {
			...row,
			...Object.fromEntries(set.map(({ column, value }) => [column, value])),
		},
	});
	if (!versions) {
		const [[row]] = await db.run<[SessionRow]>([{ sql: `${sql} ${returning}`, parameters }], {
			idempotent: false,
		});
		return row ? written(row) : { is: 'missing' };
	}
	const [[row], [current]] = await db.run<[SessionRow, CurrentVersion]>(
		[
			{
				sql: `${sql} AND instr(?, ',' || version || ',') > 0 ${returning}`,
				parameters: [...parameters, admittedParameter(versions)],
			},
			selectVersion(reference),
		],
		{ idempotent: false },
	);
	return row ? written(row) : staleOrMissing(current);
}

/** What `patch` would make of the product object, and the version that it would be made from. */
export async function previewProductObject(
	db: Database,
	reference: SessionReference,
	patch: string,
): Promise<{ version: number; merged: string } | undefined> {
	const [[row]] = await db.run<[{ version: number; merged: string }]>(
		[
			{
				sql: `SELECT version, ${merged('product_object')} AS merged FROM sessions WHERE ${THIS_LIVE}`,
				parameters: [patch, ...referenceParameters(reference)],
			},
		],
		{ idempotent: true },
	);
	return row;
}
