import type { Database } from '../core/database.ts';
import { inTurn } from '../core/isolate-turns.ts';
import { limits } from '../core/limits.ts';
import type { Owner } from '../core/principal.ts';
import type { SessionReference } from '../core/session-reference.ts';
import { utf8Length } from '../core/text.ts';
import { failedCheck, faultKind } from '../database/faults.ts';
import { tooLarge } from '../json/json-text.ts';
import { mergePatch } from '../json/merge-patch.ts';
import { type Change, isMerge, isTooMuchForD1, type Replacement } from './changes.ts';
import { readSession } from './details-store.ts';
import { type ObjectColumn, objectColumns, objectFields } from './fields.ts';
import { checkVersion, type Versions } from './precondition.ts';
import { productObjectHash } from './product-object-hash.ts';
import { retryOnConflict } from './retry-on-conflict.ts';
import {
	type ChangedRow,
	readObjects,
	replaceOnVersion,
	updateSession,
	type VersionedObjects,
} from './update-store.ts';

/**
 * Changes a session if it has one of the versions, and returns it. Without changes it only reads the session.
 * Throws SESSION_NOT_FOUND, PRECONDITION_FAILED, PAYLOAD_TOO_LARGE, and DatabaseUnavailable when others never stop
 * writing.
 */
export async function changeSession(
	db: Database,
	reference: SessionReference,
	changes: readonly Change[],
	versions: Versions,
	historyBytes: number,
): Promise<ChangedRow> {
	if (changes.length === 0) {
		const session = await readSession(db, reference);
		checkVersion(session, versions);
		return { ...session, tail: null };
	}
	return writeOrMerge(reference.owner, changes, {
		queries: 2,
		write: (complete) => updateSession(db, reference, complete, versions, historyBytes),
		async mergeAndWrite() {
			const current = await readObjects(db, reference, mergedColumns(changes));
			checkVersion(current, versions);
			const merged = await mergedWith(reference.owner, current, changes);
			return replaceOnVersion(db, reference, merged, current.version, historyBytes);
		},
	});
}

/**
 * Writes changes in one statement, or merges them in the Worker when it must know the result of a merge: when the merge
 * would take D1 too long, or when the hash of a product object must be computed from it. `write` returns 'too much for D1'
 * when only D1 could know that. `mergeAndWrite` reads, merges and writes on the version that it read, with as many `queries`.
 * It returns 'overtaken' when another writer came between, and is then tried again.
 * Throws PAYLOAD_TOO_LARGE, and DatabaseUnavailable when others never stop writing.
 */
export async function writeOrMerge<T>(
	owner: Owner,
	changes: readonly Change[],
	ways: {
		queries: number;
		write(changes: readonly Change[]): Promise<T | 'too much for D1'>;
		mergeAndWrite(): Promise<T | 'overtaken'>;
	},
): Promise<T> {
	const complete = await withOwnHash(owner, changes);
	if (complete && !isTooMuchForD1(complete)) {
		const written = await tooLargeAsApiError(complete, () => ways.write(complete));
		if (written !== 'too much for D1') return written;
	}
	return retryOnConflict(ways, () => ways.mergeAndWrite());
}

/** The columns that a merge in the Worker reads. */
export const mergedColumns = (changes: readonly Change[]): ObjectColumn[] =>
	changes.filter(isMerge).map(({ column }) => column);

/**
 * Adds the hash of a product object that comes without one. Returns undefined when the hash depends on the result of a
 * merge.
 */
async function withOwnHash(owner: Owner, changes: readonly Change[]): Promise<readonly Change[] | undefined> {
	const object = unhashedProductObject(changes);
	if (object?.mode === 'merge') return undefined;
	return object ? withHash(changes, await hashOf(owner, object.value)) : changes;
}

/** Replaces each merge of a caller by its result. Throws PAYLOAD_TOO_LARGE, RATE_LIMITED. */
export async function mergedWith(
	owner: Owner,
	current: VersionedObjects,
	changes: readonly Change[],
): Promise<Replacement[]> {
	const replacements: Replacement[] = [];
	for (const change of changes) {
		if (!isMerge(change)) {
			replacements.push(change);
			continue;
		}
		const { column, value: patch } = change;
		const object = current[column] ?? null;
		const bytes = patch.length + (object?.length ?? 0);
		const value = await inTurn(owner, 'merge', bytes, () => mergePatch(object, patch));
		if (utf8Length(value) > limits.storedObject) throw tooLarge(fieldOf(column), limits.storedObject);
		replacements.push({ column, mode: 'set', value, merge: { object, patch } });
	}
	const object = unhashedProductObject(replacements);
	return object ? withHash(replacements, await hashOf(owner, object.value)) : replacements;
}

const unhashedProductObject = <C extends Change>(changes: readonly C[]): C | undefined =>
	changes.some(({ column }) => column === 'product_object_hash')
		? undefined
		: changes.find(({ column }) => column === 'product_object');

const hashOf = async (owner: Owner, object: string | null) =>
	object === null ? null : inTurn(owner, 'hash', object.length, () => productObjectHash(object));

const withHash = <C extends Change>(changes: readonly C[], hash: string | null): (C | Replacement)[] => [
	...changes,
	{ column: 'product_object_hash', mode: 'set', value: hash },
];

const fieldOf = (column: ObjectColumn): string =>
	objectFields.find((field) => objectColumns[field] === column) ?? column;

/**
 * Runs a write, and throws PAYLOAD_TOO_LARGE when a stored object would exceed its limit of `limits.storedObject` bytes. The
 * result of a merge in D1 can exceed it although its patch does not. A CHECK constraint reports that, or SQLite itself when
 * an intermediate text exceeds 2,000,000 bytes; SQLite does not name the column. `mergedWith` checks the results of the
 * Worker's own merges.
 */
async function tooLargeAsApiError<T>(changes: readonly Change[], write: () => Promise<T>): Promise<T> {
	try {
		return await write();
	} catch (error) {
		const check = failedCheck(error);
		const refused = objectFields.filter((field) =>
			faultKind(error) === 'too big'
				? changes.some((change) => change.column === objectColumns[field] && isMerge(change))
				: check === `${objectColumns[field]}_size`,
		);
		if (refused.length === 0) throw error;
		throw tooLarge(refused.join(' or '), limits.storedObject);
	}
}
