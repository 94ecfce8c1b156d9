import type { Database } from '../../core/database.ts';
import type { Owner } from '../../core/principal.ts';

/** The use of an Idempotency-Key to create a session, while several databases are bound. */
export interface KeyUse {
	owner: Owner;
	key: string;
	/** The database for the session if the key is new. */
	placement: number;
	/** The numbers of the databases that are bound. */
	bound: readonly number[];
	/** ISO 8601. */
	now: string;
	/** When a session that is created now expires. ISO 8601. */
	expiresAt: string;
}

/**
 * Returns the number of the database that creates with an Idempotency-Key go to. The first create with a key notes its
 * placement in DB, so `db` is DB, and later creates get the noted database instead of their own placement. If a live session
 * in DB already has the key, because it was created while no other database was bound, the note is DB. If the noted database
 * is no longer bound, the key gets a new note. Idempotent.
 */
export async function databaseOfKey(db: Database, use: KeyUse): Promise<number> {
	const { owner, key, placement, bound, now, expiresAt } = use;
	const [[row]] = await db.run<[{ database: number }]>(
		[
			{
				sql: `INSERT INTO placed_idempotency_keys (user_id, organization_id, idempotency_key, database, expires_at)
					SELECT ?1, ifnull(?2, ''), ?3, iif(EXISTS (SELECT 1 FROM sessions WHERE user_id = ?1
						AND ifnull(organization_id, '') = ifnull(?2, '') AND idempotency_key = ?3 AND expires_at > ?4), 0, ?5), ?6
					WHERE true
					ON CONFLICT (user_id, organization_id, idempotency_key) DO UPDATE SET
						database = iif(instr(?7, ',' || database || ',') > 0, database, excluded.database),
						expires_at = max(expires_at, excluded.expires_at)
					RETURNING database`,
				parameters: [
					owner.userId,
					owner.organizationId,
					key,
					now,
					placement,
					expiresAt,
					`,${bound.join(',')},`,
				],
			},
		],
		{ idempotent: true },
	);
	if (!row) throw new Error('The database of an Idempotency-Key was not returned.');
	return row.database;
}
