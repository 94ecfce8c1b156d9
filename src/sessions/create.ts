import type { z } from 'zod';
import type { Database, Databases } from '../core/database.ts';
import type { Idempotency } from '../core/idempotency.ts';
import { limits } from '../core/limits.ts';
import type { Owner } from '../core/principal.ts';
import { databaseNumberOf, newSessionId } from '../core/session-id.ts';
import type { Settings } from '../core/settings.ts';
import { type CallerLocation, placementOf } from '../database/placement.ts';
import { textOrTooLarge } from '../json/json-text.ts';
import { databaseOfKey, findSessionOfKey, insertSession } from './create-store.ts';
import { expiryOf } from './expiry.ts';
import { type Beginning, beginningOf, firstVersion, type Origin } from './fork.ts';
import type { SessionRow } from './row-store.ts';
import type { createSchema } from './schema.ts';

/** The content of a create, as it is stored. */
interface NewContent {
	catalogVersion: string | null;
	schemaVersion: string | null;
	prd: string | null;
	ttlSeconds: number | undefined;
	/** What the session begins as. Undefined: it begins empty. */
	from: Origin | undefined;
}

/** Returns the content of a request body. Throws PAYLOAD_TOO_LARGE. */
export const newContent = (fields: z.output<typeof createSchema>): NewContent => ({
	catalogVersion: fields.catalogVersion ?? null,
	schemaVersion: fields.schemaVersion ?? null,
	prd: fields.prd ? textOrTooLarge(fields.prd, 'prd', limits.storedObject) : null,
	ttlSeconds: fields.ttlSeconds,
	from: fields.from,
});

/** The content of a create, which a retry must repeat. */
export const contentOf = ({
	catalogVersion,
	schemaVersion,
	prd,
	ttlSeconds,
	from,
}: NewContent): (string | null)[] => [
	catalogVersion,
	schemaVersion,
	prd,
	...(ttlSeconds === undefined ? [] : [String(ttlSeconds)]),
	...(from ? ['from', from.sessionId, from.version === undefined ? null : String(from.version)] : []),
];

/** Who creates a session, from where, and with which databases and settings. */
interface Creator {
	owner: Owner;
	location: CallerLocation;
	databases: Databases;
	settings: Settings;
}

/** A session that begins empty. */
const EMPTY: Beginning = {
	status: 'intake',
	catalogVersion: null,
	schemaVersion: null,
	prd: null,
	plan: null,
	productObject: null,
	productObjectHash: null,
	assemblyState: null,
};

/**
 * Creates a session, or returns the response of an earlier attempt with the same Idempotency-Key: the session as it was created,
 * whatever has changed since. It is created in the database near its caller, or in that of the session that it begins as. While
 * several databases are bound, a retry from another continent finds the session for the length of its first life
 * (`databaseOfKey`), and a retry that goes to the session's own database for as long as it lives. Throws VALIDATION_ERROR for a
 * lifetime that is too long, IDEMPOTENCY_KEY_REUSED, QUOTA_EXCEEDED, and SESSION_NOT_FOUND and VERSION_NOT_FOUND for what the
 * session would begin as.
 */
export async function createSession(
	creator: Creator,
	content: NewContent,
	idempotency: Idempotency | undefined,
): Promise<{ session: SessionRow; isReplay: boolean }> {
	const { owner, databases, settings } = creator;
	const { catalogVersion, schemaVersion, prd, ttlSeconds, from } = content;
	const number = await databaseForNew(creator, content, idempotency?.key);
	const db = databases.at(number);
	const { id, createdAt: created } = newSessionId(number);
	const createdAt = new Date(created).toISOString();
	const expiresAt = expiryOf(created, ttlSeconds, settings);
	// The source may be gone by the time of a retry.
	const earlier = from && idempotency && (await findSessionOfKey(db, owner, idempotency, createdAt));
	if (earlier) return { session: await firstOf(earlier, content, db, creator), isReplay: true };
	const beginning = from ? await beginningOf(databases, { ...from, owner, now: createdAt }, settings) : EMPTY;
	const session = {
		...beginning,
		catalogVersion: catalogVersion ?? beginning.catalogVersion,
		schemaVersion: schemaVersion ?? beginning.schemaVersion,
		prd: prd ?? beginning.prd,
		id,
		owner,
		createdAt,
		expiresAt,
	};
	const row = await insertSession(db, session, idempotency, settings);
	if (row.id === id) return { session: row, isReplay: false };
	return { session: await firstOf(row, content, db, creator), isReplay: true };
}

/**
 * The response to the create that made a session, which may have changed since. The content of the request, which is the same in
 * both, gives it again. For a session that began as another one, its history does: if the first version is not kept any more,
 * this is the session as it is now.
 */
async function firstOf(
	row: SessionRow,
	content: NewContent,
	db: Database,
	{ owner, settings }: Creator,
): Promise<SessionRow> {
	if (content.from) {
		const now = new Date().toISOString();
		return row.version === 1 ? row : firstVersion(db, { id: row.id, owner, now }, row, settings);
	}
	return {
		...row,
		status: 'intake',
		catalog_version: content.catalogVersion,
		schema_version: content.schemaVersion,
		prd: content.prd,
		plan: null,
		product_object: null,
		product_object_hash: null,
		assembly_state: null,
		version: 1,
		updated_at: row.created_at,
		expires_at: expiryOf(Date.parse(row.created_at), content.ttlSeconds, settings),
	};
}

/**
 * The number of the database for a new session: near the caller, that of the session that it begins as, or where an earlier create
 * with the same Idempotency-Key went, which takes a round trip to DB while further databases are bound.
 */
async function databaseForNew(
	{ owner, location, databases, settings }: Creator,
	{ ttlSeconds, from }: NewContent,
	key: string | undefined,
): Promise<number> {
	const placement = from
		? databaseNumberOf(from.sessionId)
		: await placementOf(settings.PLACEMENT, owner, location);
	if (key === undefined || databases.numbers.length === 1) return placement;
	const now = Date.now();
	// Opened apart, so that the response's bookmark is that of the session's database.
	return databaseOfKey(databases.fresh(0), {
		owner,
		key,
		placement,
		bound: databases.numbers,
		now: new Date(now).toISOString(),
		expiresAt: expiryOf(now, ttlSeconds, settings),
	});
}
