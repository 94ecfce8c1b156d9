import { type Database, DatabaseUnavailable } from '../../core/database.ts';
import { ApiError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { pause } from '../../core/pause.ts';
import { type SessionReference, sessionNotFound } from '../../core/session-reference.ts';
import { failedCheck, faultKind } from '../../database/faults.ts';
import { entityTag } from '../../http/conditional.ts';
import { tooLarge } from '../../json/json-text.ts';
import { type ObjectField, objectColumns } from '../schema.ts';
import { readSession, readVersion, type SessionRow } from '../store.ts';
import { productObjectHash } from './product-object-hash.ts';
import { type Change, previewProductObject, updateSession } from './store.ts';

/** The answer for an If-Match that names no current ETag (RFC 9110, 15.5.13), with the current one. */
export const stale = (current: { version: number; latestEvent: number }): ApiError =>
	new ApiError('PRECONDITION_FAILED', 'The session has changed. Read it again.', {
		headers: { ETag: entityTag(current.version, current.latestEvent) },
	});

type Versions = readonly number[] | undefined;

/**
 * Replaces fields of a session. A product object without a hash gets one. No change at all reads the session.
 * Throws SESSION_NOT_FOUND, PRECONDITION_FAILED.
 */
export async function replaceInSession(
	db: Database,
	reference: SessionReference,
	changes: Change[],
	versions: Versions,
): Promise<SessionRow> {
	const object = unhashedProductObject(changes);
	return write(db, reference, object ? withHash(changes, await hashOf(object.value)) : changes, versions);
}

/** How often a merge that must know its own result tries again. Each try that fails is another writer's success. */
const MAX_MERGES = 100;

/**
 * Merges into fields of a session by RFC 7396, in one statement. Only a product object without a hash is read first,
 * because the hash must follow the merged object; it is then written on the condition that nobody else wrote meanwhile.
 * Throws SESSION_NOT_FOUND, PRECONDITION_FAILED, PAYLOAD_TOO_LARGE; DatabaseUnavailable when others never pause.
 */
export async function mergeSession(
	db: Database,
	reference: SessionReference,
	changes: Change[],
	versions: Versions,
): Promise<SessionRow> {
	const object = unhashedProductObject(changes);
	if (!object || object.how === 'set') return replaceInSession(db, reference, changes, versions);
	for (let tries = 1; tries <= MAX_MERGES; tries += 1) {
		const patch = object.value ?? '{}';
		const preview = await refuseTooLarge([object], () => previewProductObject(db, reference, patch));
		if (!preview) throw sessionNotFound();
		const { version, merged } = preview;
		// A stale If-Match is found by the write itself, which also knows the current tag.
		const admitted = versions ? versions.filter((each) => each === version) : [version];
		const hashed = withHash(changes, await productObjectHash(merged));
		const outcome = await refuseTooLarge(hashed, () => updateSession(db, reference, hashed, admitted));
		if (outcome.is === 'done') return outcome.result;
		if (outcome.is === 'missing') throw sessionNotFound();
		if (versions && !versions.includes(outcome.version)) throw stale(outcome);
		await pause(Math.random() * Math.min(5 * tries, 50));
	}
	throw new DatabaseUnavailable('Too many others are writing this session. Try again.', {
		retryAfterSeconds: 1,
	});
}

async function write(
	db: Database,
	reference: SessionReference,
	changes: Change[],
	versions: Versions,
): Promise<SessionRow> {
	if (changes.length === 0) {
		const row = await readSession(db, reference);
		if (!row) throw sessionNotFound();
		if (versions && !versions.includes(row.version)) {
			const current = await readVersion(db, reference);
			throw current ? stale(current) : sessionNotFound();
		}
		return row;
	}
	const outcome = await refuseTooLarge(changes, () => updateSession(db, reference, changes, versions));
	if (outcome.is === 'missing') throw sessionNotFound();
	if (outcome.is === 'stale') throw stale(outcome);
	return outcome.result;
}

const unhashedProductObject = (changes: readonly Change[]): Change | undefined =>
	changes.some(({ column }) => column === 'product_object_hash')
		? undefined
		: changes.find(({ column }) => column === 'product_object');

const hashOf = async (object: string | null) => (object === null ? null : productObjectHash(object));

const withHash = (changes: readonly Change[], hash: string | null): Change[] => [
	...changes,
	{ column: 'product_object_hash', how: 'set', value: hash },
];

/**
 * A merge can outgrow a limit that its patch is within: a CHECK constraint sees that, or SQLite itself where the text
 * passes 2,000,000 bytes on the way, which does not say of which column.
 */
async function refuseTooLarge<T>(changes: readonly Change[], write: () => Promise<T>): Promise<T> {
	try {
		return await write();
	} catch (error) {
		const check = failedCheck(error);
		const fields = Object.entries(objectColumns) as [ObjectField, Change['column']][];
		const refused = fields.filter(([, column]) =>
			faultKind(error) === 'too big'
				? changes.some((change) => change.column === column && change.how === 'merge')
				: check === `${column}_size`,
		);
		if (refused.length === 0) throw error;
		throw tooLarge(refused.map(([field]) => field).join(' or '), limits.storedObject);
	}
}
