import type { Database } from '../core/database.ts';
import { join, raw, sql } from '../core/sql.ts';

/** A stored API key. The key itself is not stored. */
export interface ApiKeyRow {
	id: string;
	key_hash: string;
	prefix: string;
	user_id: string;
	organization_id: string | null;
	name: string | null;
	/** Comma-separated. */
	permissions: string;
	created_at: string;
	expires_at: string | null;
	revoked_at: string | null;
	last_used_at: string | null;
	/** The one session that the key may read; null for a key that is not bound to one. */
	session_id: string | null;
	/** The types of events that a key for one session may append, as a JSON array; null for none. */
	append_types: string | null;
	/** The API key that made a key for one session. */
	maker_key_id: string | null;
	/** The Clerk session that made a key for one session. */
	maker_clerk_session_id: string | null;
}

/** A key as a request finds it. */
export type FoundApiKey = Pick<
	ApiKeyRow,
	| 'id'
	| 'user_id'
	| 'organization_id'
	| 'permissions'
	| 'expires_at'
	| 'last_used_at'
	| 'session_id'
	| 'append_types'
> & {
	/** When the key's maker expires; null if it has none, or one that does not expire. */
	maker_expires_at: string | null;
};

const columns = [
	'id',
	'key_hash',
	'prefix',
	'user_id',
	'organization_id',
	'name',
	'permissions',
	'created_at',
	'expires_at',
	'revoked_at',
	'last_used_at',
	'session_id',
	'append_types',
	'maker_key_id',
	'maker_clerk_session_id',
] as const satisfies (keyof ApiKeyRow)[];
const COLUMNS = join(columns.map(raw));

/**
 * Finds a key by its SHA-256, an expired one included. A revoked key is not found, and a key whose maker is
 * revoked or gone is not found either. `IS` also holds where the key has no maker.
 */
export const findApiKey = (db: Database, keyHash: string): Promise<FoundApiKey | undefined> =>
	db.first(sql`SELECT own.id, own.user_id, own.organization_id, own.permissions, own.expires_at, own.last_used_at,
			own.session_id, own.append_types, maker.expires_at AS maker_expires_at
		FROM api_keys AS own INDEXED BY api_keys_by_hash LEFT JOIN api_keys AS maker INDEXED BY api_keys_by_id ON maker.id = own.maker_key_id
		WHERE own.key_hash = ${keyHash} AND own.revoked_at IS NULL
			AND maker.id IS own.maker_key_id AND maker.revoked_at IS NULL`);

/** Stores a key. This is safe to retry, because the key's id is new. */
export async function insertApiKey(db: Database, key: ApiKeyRow): Promise<void> {
	const values = join(columns.map((column) => sql`${key[column]}`));
	await db.run([sql`INSERT INTO api_keys (${COLUMNS}) VALUES (${values}) ON CONFLICT (id) DO NOTHING`], {
		idempotent: true,
	});
}

/** Reads one key by its id. */
export const readApiKey = (db: Database, id: string): Promise<ApiKeyRow | undefined> =>
	db.first(sql`SELECT ${COLUMNS} FROM api_keys WHERE id = ${id}`);

/** Reads all keys, oldest first. It reads the whole table, so only commands may use it. */
export const listApiKeys = (db: Database): Promise<ApiKeyRow[]> =>
	db.all(sql`SELECT ${COLUMNS} FROM api_keys ORDER BY id`);

/** Revokes a key. A second revocation does not change the time of the first. */
export async function revokeApiKey(db: Database, id: string, now: string): Promise<void> {
	await db.run([sql`UPDATE api_keys SET revoked_at = ${now} WHERE id = ${id} AND revoked_at IS NULL`], {
		idempotent: true,
	});
}

/**
 * Revokes the keys that a Clerk session has made. Returns how many worked until then. It reads the whole table, so only commands
 * may use it.
 */
export async function revokeKeysOfClerkSession(
	db: Database,
	clerkSessionId: string,
	now: string,
): Promise<number> {
	const [revoked = 0] = await db.change(
		[
			sql`UPDATE api_keys SET revoked_at = ${now}
				WHERE maker_clerk_session_id = ${clerkSessionId} AND revoked_at IS NULL AND expires_at > ${now}`,
		],
		{ idempotent: true },
	);
	return revoked;
}

/** Makes a key expire at a time (ISO 8601), unless it expires earlier. */
export async function expireApiKey(db: Database, id: string, at: string): Promise<void> {
	await db.run(
		[sql`UPDATE api_keys SET expires_at = min(ifnull(expires_at, ${at}), ${at}) WHERE id = ${id}`],
		{ idempotent: true },
	);
}

/** Writes when a key was last used, unless the stored time is after `unlessSince`. */
export async function touchApiKey(db: Database, id: string, now: string, unlessSince: string): Promise<void> {
	await db.run(
		[
			sql`UPDATE api_keys SET last_used_at = ${now}
				WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at <= ${unlessSince})`,
		],
		{ idempotent: true },
	);
}
