import type { Database } from '../../core/database.ts';
import { ApiError } from '../../core/errors.ts';
import { type SessionReference, sessionNotFound } from '../../core/session-reference.ts';
import { referenceParameters, THIS_LIVE } from '../../database/live-session.ts';
import type { KeyEnvironment } from '../api-key-format.ts';

/** A key for one session, as it is to be stored. */
export interface NewSessionKey {
	id: string;
	keyHash: string;
	prefix: string;
	environment: KeyEnvironment;
	/** The API key, or else the Clerk session, that makes it. */
	maker: { keyId: string | null; clerkSessionId: string | null };
	/** ISO 8601. */
	expiresAt: string;
}

/** The most keys of one session that are stored and have not expired. Those that were revoked count until they are deleted. */
export const MAX_KEYS = 100;

/** Reads when a session expires, in the session's database. Throws SESSION_NOT_FOUND. */
export async function readExpiry(db: Database, reference: SessionReference): Promise<string> {
	const [[session]] = await db.run<[{ expires_at: string }]>(
		[
			{
				sql: `SELECT expires_at FROM sessions WHERE ${THIS_LIVE}`,
				parameters: referenceParameters(reference),
			},
		],
		{ idempotent: true },
	);
	if (!session) throw sessionNotFound();
	return session.expires_at;
}

/**
 * Stores in DB a key that can read one session, wherever the session is. The statement counts the session's keys itself, so that
 * requests at the same time cannot pass the limit together. Throws QUOTA_EXCEEDED.
 */
export async function storeSessionKey(
	db: Database,
	reference: SessionReference,
	key: NewSessionKey,
): Promise<void> {
	if (await insertSessionKey(db, reference, key)) return;
	// Only now, because it reads every key of the session.
	await deleteEndedKeys(db, reference);
	if (await insertSessionKey(db, reference, key)) return;
	throw new ApiError(
		'QUOTA_EXCEEDED',
		`The session has ${MAX_KEYS} keys. Revoke one of them, or wait until one expires.`,
	);
}

/** Stores a key unless the session has MAX_KEYS. Returns whether it is stored. Idempotent, because the key's id is new. */
export async function insertSessionKey(
	db: Database,
	{ id, owner, now }: SessionReference,
	key: NewSessionKey,
): Promise<boolean> {
	const [, stored] = await db.run<[never, { id: string }]>(
		[
			{
				sql: `INSERT INTO api_keys (id, key_hash, prefix, user_id, organization_id, permissions, environment, created_at,
						expires_at, placed_session_id, maker_key_id, maker_clerk_session_id)
					SELECT ?, ?, ?, ?, ?, 'PRODUCTS:READ', ?, ?, ?, ?, ?, ?
					WHERE (SELECT count(*) FROM (SELECT 1 FROM api_keys
						WHERE placed_session_id = ? AND expires_at > ? LIMIT ${MAX_KEYS})) < ${MAX_KEYS}
					ON CONFLICT (id) DO NOTHING`,
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
					key.maker.keyId,
					key.maker.clerkSessionId,
					id,
					now,
				],
			},
			// A repeated INSERT can find the session full because of the first one.
			{ sql: 'SELECT id FROM api_keys WHERE id = ?', parameters: [key.id] },
		],
		{ idempotent: true },
	);
	return stored.length > 0;
}

/** Deletes the keys of a session that have not expired but no longer work: they are revoked, or their maker has ended. */
export async function deleteEndedKeys(db: Database, { id, now }: SessionReference): Promise<void> {
	await db.run(
		[
			{
				sql: `DELETE FROM api_keys INDEXED BY sqlite_autoindex_api_keys_1 WHERE id IN (SELECT own.id
					FROM (SELECT id, maker_key_id, revoked_at FROM api_keys
						WHERE placed_session_id = ? AND expires_at > ? LIMIT ${MAX_KEYS}) AS own
					LEFT JOIN api_keys AS maker ON maker.id = own.maker_key_id
					WHERE own.revoked_at IS NOT NULL OR maker.id IS NOT own.maker_key_id OR maker.revoked_at IS NOT NULL
						OR maker.expires_at <= ?)`,
				parameters: [id, now, now],
			},
		],
		{ idempotent: true },
	);
}

/** Revokes in DB a key for one session. Returns whether the session has such a key. Idempotent. */
export async function revokeSessionKey(
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
