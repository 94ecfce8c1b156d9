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
}

/** A key for a session of another database names it in a column of its own, and can do what every key for a session can. */
const COLUMNS = `id, key_hash, prefix, user_id, organization_id, name,
	iif(placed_session_id IS NULL, permissions, 'PRODUCTS:READ') AS permissions, environment, created_at, expires_at,
	revoked_at, last_used_at, ifnull(placed_session_id, session_id) AS session_id`;

/** Finds a key by its SHA-256, revoked and expired ones included. */
export async function findApiKey(db: Database, keyHash: string): Promise<ApiKeyRow | undefined> {
	const [[row]] = await db.run<[ApiKeyRow]>(
		[{ sql: `SELECT ${COLUMNS} FROM api_keys WHERE key_hash = ?`, parameters: [keyHash] }],
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
