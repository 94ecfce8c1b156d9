import type { Database } from '../../core/database.ts';

/** The most keys that one statement reads. */
const AT_ONCE = 500;

/** An Idempotency-Key whose note in DB has expired, and the number of the database that its creates go to. */
export interface EndedKey {
	user_id: string;
	/** '' for a user in no organization. */
	organization_id: string;
	idempotency_key: string;
	database: number;
}

/** An Idempotency-Key that a live session still has, and when the session expires. */
export type KeyInUse = EndedKey & { expires_at: string };

/** Reads from DB a chunk of the Idempotency-Keys whose notes had expired by `now`, the oldest first. */
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

/** Reads which of these keys live sessions still have. All keys are of the one database `db`. */
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
 * Keeps the notes of the keys `inUse` until their sessions expire, and deletes those of the other keys of `ended`. The note
 * of a key that a create has used since it was read has a later expiry, and stays as it is. Idempotent.
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
