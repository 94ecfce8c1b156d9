import type { Database } from '../core/database.ts';

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
	environment: 'live' | 'test';
	created_at: string;
	expires_at: string | null;
	revoked_at: string | null;
	last_used_at: string | null;
	/** The one session that the key may read; null for a key that is not bound to one. */
	session_id: string | null;
	/** The API key that made a key for one session. */
	maker_key_id: string | null;
	/** The Clerk session that made a key for one session. */
	maker_clerk_session_id: string | null;
}

/** A key as a request finds it. */
export type FoundApiKey = Pick<
	ApiKeyRow,
	'id' | 'user_id' | 'organization_id' | 'permissions' | 'expires_at' | 'last_used_at' | 'session_id'
> & {
	/** When the key's maker expires; null if it has none, or one that does not expire. */
	maker_expires_at: string | null;
};

const COLUMNS = `id, key_hash, prefix, user_id, organization_id, name, permissions, environment, created_at, expires_at,
	revoked_at, last_used_at, placed_session_id AS session_id, maker_key_id, maker_clerk_session_id`;

/**
 * Finds a key by its SHA-256, an expired one included. A revoked key is not found, nor is one whose maker is revoked or gone:
 * `IS` also holds where the key has no maker.
 */
export async function findApiKey(db: Database, keyHash: string): Promise<FoundApiKey | undefined> {
	const [[row]] = await db.run<[FoundApiKey]>(
		[
			{
				sql: `SELECT own.id, own.user_id, own.organization_id, own.permissions, own.expires_at, own.last_used_at,
						own.placed_session_id AS session_id, maker.expires_at AS maker_expires_at
					FROM api_keys AS own LEFT JOIN api_keys AS maker ON maker.id = own.maker_key_id
					WHERE own.key_hash = ? AND own.revoked_at IS NULL
						AND maker.id IS own.maker_key_id AND maker.revoked_at IS NULL`,
				parameters: [keyHash],
			},
		],
		{ idempotent: true },
	);
	return row;
}

/** Stores a key. This is safe to retry, because the key's id is new. */
export async function insertApiKey(db: Database, key: ApiKeyRow): Promise<void> {
	const columns = Object.keys(key) as (keyof ApiKeyRow)[];
	await db.run(
		[
			{
				sql: `INSERT INTO api_keys (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
					ON CONFLICT (id) DO NOTHING`,
				parameters: columns.map((column) => key[column]),
			},
		],
		{ idempotent: true },
	);
}

/** Reads one key by its id. */
export async function readApiKey(db: Database, id: string): Promise<ApiKeyRow | undefined> {
	const [[row]] = await db.run<[ApiKeyRow]>(
		[{ sql: `SELECT ${COLUMNS} FROM api_keys WHERE id = ?`, parameters: [id] }],
		{
			idempotent: true,
		},
	);
	return row;
}

/** Reads all keys, oldest first. It reads the whole table, so only commands may use it. */
export async function listApiKeys(db: Database): Promise<ApiKeyRow[]> {
	const [rows] = await db.run<[ApiKeyRow]>(
		[{ sql: `SELECT ${COLUMNS} FROM api_keys ORDER BY id`, parameters: [] }],
		{
			idempotent: true,
		},
	);
	return rows;
}

/** Revokes a key. A second revocation does not change the time of the first. */
export async function revokeApiKey(db: Database, id: string, now: string): Promise<void> {
	await db.run(
		[
			{
				sql: 'UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL',
				parameters: [now, id],
			},
		],
		{ idempotent: true },
	);
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
			{
				sql: `UPDATE api_keys SET revoked_at = ?1
					WHERE maker_clerk_session_id = ?2 AND revoked_at IS NULL AND expires_at > ?1`,
				parameters: [now, clerkSessionId],
			},
		],
		{ idempotent: true },
	);
	return revoked;
}

/** Makes a key expire at a time (ISO 8601), unless it expires earlier. */
export async function expireApiKey(db: Database, id: string, at: string): Promise<void> {
	await db.run(
		[
			{
				sql: 'UPDATE api_keys SET expires_at = min(ifnull(expires_at, ?1), ?1) WHERE id = ?2',
				parameters: [at, id],
			},
		],
		{ idempotent: true },
	);
}

/** Writes when a key was last used, unless the stored time is after `unlessSince`. */
export async function touchApiKey(db: Database, id: string, now: string, unlessSince: string): Promise<void> {
	await db.run(
		[
			{
				sql: 'UPDATE api_keys SET last_used_at = ?1 WHERE id = ?2 AND (last_used_at IS NULL OR last_used_at <= ?3)',
				parameters: [now, id, unlessSince],
			},
		],
		{ idempotent: true },
	);
}
