import type { z } from 'zod';
import type { Databases } from '../core/database.ts';
import type { Idempotency } from '../core/idempotency.ts';
import { limits } from '../core/limits.ts';
import type { Owner } from '../core/principal.ts';
import { newSessionId } from '../core/session-id.ts';
import type { Settings } from '../core/settings.ts';
import { type CallerLocation, placementOf } from '../database/placement.ts';
import { textOrTooLarge } from '../json/json-text.ts';
import { databaseOfKey, insertSession } from './create-store.ts';
import { expiryOf } from './expiry.ts';
import type { SessionRow } from './row-store.ts';
import type { createSchema } from './schema.ts';

/** The content of a create, as it is stored. */
export interface NewContent {
	catalogVersion: string | null;
	schemaVersion: string | null;
	prd: string | null;
	ttlSeconds: number | undefined;
}

/** Returns the content of a request body. Throws PAYLOAD_TOO_LARGE. */
export const newContent = (fields: z.output<typeof createSchema>): NewContent => ({
	catalogVersion: fields.catalogVersion ?? null,
	schemaVersion: fields.schemaVersion ?? null,
	prd: fields.prd ? textOrTooLarge(fields.prd, 'prd', limits.storedObject) : null,
	ttlSeconds: fields.ttlSeconds,
});

/** The content of a create, which a retry must repeat. */
export const contentOf = ({
	catalogVersion,
	schemaVersion,
	prd,
	ttlSeconds,
}: NewContent): (string | null)[] => [
	catalogVersion,
	schemaVersion,
	prd,
	...(ttlSeconds === undefined ? [] : [String(ttlSeconds)]),
];

/** Who creates a session, from where, and with which databases and settings. */
export interface Creator {
	owner: Owner;
	location: CallerLocation;
	databases: Databases;
	settings: Settings;
}

/**
 * Creates a session in the database near its caller, or returns the response of an earlier attempt with the same
 * Idempotency-Key: the session as it was created, whatever has changed since. While several databases are bound, a retry from
 * another continent finds the session for the length of its first life (`databaseOfKey`), and a retry that goes to the session's
 * own database for as long as it lives. Throws VALIDATION_ERROR for a lifetime that is too long,
 * IDEMPOTENCY_KEY_REUSED, and QUOTA_EXCEEDED.
 */
export async function createSession(
	creator: Creator,
	content: NewContent,
	idempotency: Idempotency | undefined,
): Promise<{ session: SessionRow; isReplay: boolean }> {
	const { owner, databases, settings } = creator;
	const { ttlSeconds, ...stored } = content;
	const number = await databaseForNew(creator, ttlSeconds, idempotency?.key);
	const { id, createdAt } = newSessionId(number);
	const session = {
		...stored,
		id,
		owner,
		createdAt: new Date(createdAt).toISOString(),
		expiresAt: expiryOf(createdAt, ttlSeconds, settings),
	};
	const row = await insertSession(databases.at(number), session, idempotency, settings);
	if (row.id === id) return { session: row, isReplay: false };
	// The session may have changed since. The content of the request, which is the same in both, gives the first response
	// again.
	const first: SessionRow = {
		...row,
		status: 'intake',
		catalog_version: stored.catalogVersion,
		schema_version: stored.schemaVersion,
		prd: stored.prd,
		plan: null,
		product_object: null,
		product_object_hash: null,
		assembly_state: null,
		version: 1,
		updated_at: row.created_at,
		expires_at: expiryOf(Date.parse(row.created_at), ttlSeconds, settings),
	};
	return { session: first, isReplay: true };
}

/**
 * The number of the database for a new session: near the caller, or where an earlier create with the same Idempotency-Key
 * went, which takes a round trip to DB while further databases are bound.
 */
async function databaseForNew(
	{ owner, location, databases, settings }: Creator,
	ttlSeconds: number | undefined,
	key: string | undefined,
): Promise<number> {
	const placement = await placementOf(settings.PLACEMENT, owner, location);
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
