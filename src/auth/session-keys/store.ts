import type { Database } from '../../core/database.ts';
import type { SessionReference } from '../../core/session-reference.ts';
import { referenceParameters, THIS_LIVE } from '../../database/live-session.ts';
import type { KeyEnvironment } from '../api-key-format.ts';

/** A key for one session, as it is to be stored. */
export interface NewSessionKey {
	id: string;
	keyHash: string;
	prefix: string;
	environment: KeyEnvironment;
	/** The latest time at which it may expire. ISO 8601. */
	expiresAt: string;
}

/** The most expired keys of a session that one statement deletes. */
const DELETED_AT_ONCE = 100;

/**
 * Stores a key that can read one session of DB. Returns when the key expires, or undefined when there is no such session.
 * Deletes keys of the session that have expired. Idempotent, because the key's id is new: the upsert changes nothing, and
 * makes a repeated INSERT return what the first one stored.
 */
export async function insertSessionKey(
	db: Database,
	reference: SessionReference,
	key: NewSessionKey,
): Promise<string | undefined> {
	const { id, owner, now } = reference;
	const [, [stored]] = await db.run<[never, { expires_at: string }]>(
		[
			{
				sql: `DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys
					WHERE session_id = ? AND user_id = ? AND organization_id IS ? AND expires_at <= ? LIMIT ${DELETED_AT_ONCE})`,
				parameters: [id, owner.userId, owner.organizationId, now],
			},
			{
				sql: `INSERT INTO api_keys (id, key_hash, prefix, user_id, organization_id, permissions, environment,
						created_at, expires_at, session_id)
					SELECT ?, ?, ?, user_id, organization_id, 'PRODUCTS:READ', ?, ?, min(?, expires_at), id
					FROM sessions WHERE ${THIS_LIVE}
					ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING expires_at`,
				parameters: [
					key.id,
					key.keyHash,
					key.prefix,
					key.environment,
					now,
					key.expiresAt,
					...referenceParameters(reference),
				],
			},
		],
		{ idempotent: true },
	);
	return stored?.expires_at;
}

/** Returns when a live session expires, or undefined when there is no such session. */
export async function readExpiry(db: Database, reference: SessionReference): Promise<string | undefined> {
	const [[session]] = await db.run<[{ expires_at: string }]>(
		[
			{
				sql: `SELECT expires_at FROM sessions WHERE ${THIS_LIVE}`,
				parameters: referenceParameters(reference),
			},
		],
		{ idempotent: true },
	);
	return session?.expires_at;
}

/**
 * Stores in DB a key that can read one session of another database. Its stored permissions are empty, so that a Worker of an
 * earlier version, which does not know `placed_session_id`, refuses it. Idempotent, because the key's id is new.
 */
export async function insertPlacedSessionKey(
	db: Database,
	{ id, owner, now }: SessionReference,
	key: NewSessionKey,
): Promise<void> {
	await db.run(
		[
			{
				sql: `INSERT INTO api_keys (id, key_hash, prefix, user_id, organization_id, permissions, environment,
						created_at, expires_at, placed_session_id)
					VALUES (?, ?, ?, ?, ?, '', ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
				parameters: [
					key.id,
					key.keyHash,
					key.prefix,
					owner.userId,
					owner.organizationId,
					key.environment,
					now,
					key.expiresAt,
					id,
				],
			},
		],
		{ idempotent: true },
	);
}

/** Revokes a key for a session of another database. The key is in DB. Returns whether it exists. Idempotent. */
export async function revokePlacedSessionKey(
	db: Database,
	{ id, owner, now }: SessionReference,
	keyId: string,
): Promise<boolean> {
	const [keys] = await db.run<[{ id: string }]>(
		[
			{
				sql: `UPDATE api_keys SET revoked_at = ifnull(revoked_at, ?)
					WHERE id = ? AND placed_session_id = ? AND user_id = ? AND organization_id IS ? RETURNING id`,
				parameters: [now, keyId, id, owner.userId, owner.organizationId],
			},
		],
		{ idempotent: true },
	);
	return keys.length > 0;
}

/** Revokes a key for a session of DB. Returns whether the session and the key exist. Idempotent. */
export async function revokeSessionKey(
	db: Database,
	reference: SessionReference,
	keyId: string,
): Promise<{ session: boolean; key: boolean }> {
	const { id, owner, now } = reference;
	const [sessions, keys] = await db.run<[{ id: string }, { id: string }]>(
		[
			{ sql: `SELECT id FROM sessions WHERE ${THIS_LIVE}`, parameters: referenceParameters(reference) },
			{
				sql: `UPDATE api_keys SET revoked_at = ifnull(revoked_at, ?)
					WHERE id = ? AND session_id = ? AND user_id = ? AND organization_id IS ? RETURNING id`,
				parameters: [now, keyId, id, owner.userId, owner.organizationId],
			},
		],
		{ idempotent: true },
	);
	return { session: sessions.length > 0, key: keys.length > 0 };
}
