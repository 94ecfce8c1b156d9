import type { Database } from '../../core/database.ts';
import { limits } from '../../core/limits.ts';
import { type SessionReference, sessionNotFound } from '../../core/session-reference.ts';
import { utf8Length } from '../../core/text.ts';
import { failedCheck, faultKind } from '../../database/faults.ts';
import { tooLarge } from '../../json/json-text.ts';
import { mergePatch } from '../../json/merge-patch.ts';
import { stale, unwrap } from '../outcome.ts';
import { type ObjectColumn, type ObjectField, objectColumns } from '../schema.ts';
import { readSession, readVersion, type SessionRow } from '../store.ts';
import { type Change, isMerge, type Replacement } from './changes.ts';
import { untilNotOvertaken } from './overtaken.ts';
import { productObjectHash } from './product-object-hash.ts';
import { readObjects, replaceOnVersion, updateSession, type VersionedObjects } from './store.ts';

type Versions = readonly number[] | undefined;

/**
 * Changes a session if it has one of the versions (undefined: any), and returns it. Without changes it only reads the
 * session. It computes the hash of a product object that comes without one. All changes are one statement, unless the
 * Worker must know the result of a merge: when the merge is large, or when its hash must be computed.
 * Throws SESSION_NOT_FOUND, PRECONDITION_FAILED, PAYLOAD_TOO_LARGE, and DatabaseUnavailable when others never stop
 * writing.
 */
export async function changeSession(
	db: Database,
	reference: SessionReference,
	changes: readonly Change[],
	versions: Versions,
): Promise<SessionRow> {
	if (changes.length === 0) return unchanged(db, reference, versions);
	const complete = await withOwnHash(changes);
	if (complete) {
		const outcome = await refuseTooLarge(complete, () => updateSession(db, reference, complete, versions));
		if (outcome.is !== 'costly') return unwrap(outcome);
	}
	return untilNotOvertaken({ queries: 2 }, async () => {
		const current = await readObjects(db, reference, mergedColumns(changes));
		if (!current) throw sessionNotFound();
		if (versions && !versions.includes(current.version)) throw stale(current);
		const replacements = await mergedWith(current, changes);
		return replaceOnVersion(db, reference, replacements, current.version);
	});
}

async function unchanged(db: Database, reference: SessionReference, versions: Versions): Promise<SessionRow> {
	const row = await readSession(db, reference);
	if (!row) throw sessionNotFound();
	if (versions && !versions.includes(row.version)) {
		const current = await readVersion(db, reference);
		throw current ? stale(current) : sessionNotFound();
	}
	return row;
}

/** The columns that a merge in the Worker reads. */
export const mergedColumns = (changes: readonly Change[]): ObjectColumn[] =>
	changes.filter(isMerge).map(({ column }) => column);

/**
 * Adds the hash of a product object that comes without one. Returns undefined when the hash depends on the result of a
 * merge.
 */
export async function withOwnHash(changes: readonly Change[]): Promise<readonly Change[] | undefined> {
	const object = unhashedProductObject(changes);
	if (object?.mode === 'merge') return undefined;
	return object ? withHash(changes, await hashOf(object.value)) : changes;
}

/** Replaces each merge by its result. Throws PAYLOAD_TOO_LARGE. */
export async function mergedWith(
	current: VersionedObjects,
	changes: readonly Change[],
): Promise<Replacement[]> {
	const replacements = changes.map((change): Replacement => {
		if (!isMerge(change)) return change;
		const value = mergePatch(current[change.column] ?? null, change.value);
		if (utf8Length(value) > limits.storedObject) throw tooLarge(fieldOf(change.column), limits.storedObject);
		return { column: change.column, mode: 'set', value };
	});
	const object = unhashedProductObject(replacements);
	return object ? withHash(replacements, await hashOf(object.value)) : replacements;
}

const unhashedProductObject = <C extends Change>(changes: readonly C[]): C | undefined =>
	changes.some(({ column }) => column === 'product_object_hash')
		? undefined
		: changes.find(({ column }) => column === 'product_object');

const hashOf = async (object: string | null) => (object === null ? null : productObjectHash(object));

const withHash = <C extends Change>(changes: readonly C[], hash: string | null): (C | Replacement)[] => [
	...changes,
	{ column: 'product_object_hash', mode: 'set', value: hash },
];

const fields = Object.entries(objectColumns) as [ObjectField, ObjectColumn][];
const fieldOf = (column: ObjectColumn): string => fields.find(([, each]) => each === column)?.[0] ?? column;

/**
 * The result of a merge in D1 can exceed a limit that its patch does not. A CHECK constraint reports that, or SQLite
 * itself when an intermediate text exceeds 2,000,000 bytes; SQLite does not name the column.
 */
export async function refuseTooLarge<T>(changes: readonly Change[], write: () => Promise<T>): Promise<T> {
	try {
		return await write();
	} catch (error) {
		const check = failedCheck(error);
		const refused = fields.filter(([, column]) =>
			faultKind(error) === 'too big'
				? changes.some((change) => change.column === column && isMerge(change))
				: check === `${column}_size`,
		);
		if (refused.length === 0) throw error;
		throw tooLarge(refused.map(([field]) => field).join(' or '), limits.storedObject);
	}
}
