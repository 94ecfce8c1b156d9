import type { Database } from '../../core/database.ts';

/** Rows that one statement looks at. */
const AT_ONCE = 500;

/** An Idempotency-Key whose session's first life has ended, and the database that its creates go to. */
export interface EndedKey {
	user_id: string;
	/** '' without an organization. */
	organization_id: string;
	idempotency_key: string;
	database: number;
}

/** A key that a live session still has, and when that expires. */
export type KeyInUse = EndedKey & { expires_at: string };

/** Deletes expired keys for one session that is not in DB. Returns how many. Idempotent. */
export async function deleteExpiredPlacedKeys(db: Database, now: string): Promise<number> {
	const [deleted = 0] = await db.change(
		[
			{
				sql: `DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys
					WHERE placed_session_id IS NOT NULL AND expires_at <= ? ORDER BY expires_at LIMIT ${AT_ONCE})`,
				parameters: [now],
			},
		],
		{ idempotent: true },
	);
	return deleted;
}

/** Reads from DB which Idempotency-Keys may have ended by `now`, the oldest first. */
export async function readEndedKeys(db: Database, now: string): Promise<EndedKey[]> {
	const [keys] = await db.run<[EndedKey]>(
		[
			{
				sql: `SELECT user_id, organization_id, idempotency_key, database FROM placed_idempotency_keys
					WHERE expires_at <= ? ORDER BY expires_at LIMIT ${AT_ONCE}`,
				parameters: [now],
			},
		],
		{ idempotent: true },
	);
	return keys;
}

const listOf = (keys: readonly EndedKey[]): string =>
	JSON.stringify(keys.map((key) => [key.user_id, key.organization_id, key.idempotency_key]));

/** Reads from the database of these keys which of them live sessions still have. */
export async function readKeysInUse(
	db: Database,
	keys: readonly EndedKey[],
	now: string,
): Promise<KeyInUse[]> {
	const [rows] = await db.run<[Omit<KeyInUse, 'database'>]>(
		[
			{
				sql: `SELECT user_id, ifnull(organization_id, '') AS organization_id, idempotency_key, expires_at
					FROM json_each(?1) CROSS JOIN sessions ON user_id = value ->> 0
						AND ifnull(organization_id, '') = value ->> 1 AND idempotency_key = value ->> 2
					WHERE expires_at > ?2`,
				parameters: [listOf(keys), now],
			},
		],
		{ idempotent: true },
	);
	const database = keys[0]?.database ?? 0;
	return rows.map((row) => ({ ...row, database }));
}

/**
 * Keeps the keys in DB that are in use until their sessions expire, and deletes the others of `ended`. A key that a create has
 * used since they were read is left alone. Idempotent.
 */
export async function releaseKeys(
	db: Database,
	ended: readonly EndedKey[],
	inUse: readonly KeyInUse[],
	now: string,
): Promise<void> {
	const ends = JSON.stringify(
		inUse.map((key) => [key.user_id, key.organization_id, key.idempotency_key, key.expires_at]),
	);
	await db.change(
		[
			{
				sql: `UPDATE placed_idempotency_keys SET expires_at = value ->> 3 FROM json_each(?1)
					WHERE user_id = value ->> 0 AND organization_id = value ->> 1 AND idempotency_key = value ->> 2
						AND expires_at <= ?2`,
				parameters: [ends, now],
			},
			{
				sql: `DELETE FROM placed_idempotency_keys WHERE expires_at <= ?2 AND (user_id, organization_id, idempotency_key) IN (
					SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1))`,
				parameters: [listOf(ended), now],
			},
		],
		{ idempotent: true },
	);
}
