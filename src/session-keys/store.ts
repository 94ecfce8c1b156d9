import type { Database } from '../core/database.ts';
import { ApiError } from '../core/errors.ts';
import { type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import { raw, sql } from '../core/sql.ts';
import { ownSession, SESSION_BY_ID } from '../database/session-store.ts';

/** A key for one session, as it is to be stored. */
interface NewSessionKey {
	id: string;
	keyHash: string;
	prefix: string;
	/** The types of events that the key may append; empty for none. */
	appendTypes: readonly string[];
	/** The API key, or else the Clerk session, that makes it. */
	maker: { keyId: string | null; clerkSessionId: string | null };
	/** ISO 8601. */
	expiresAt: string;
}

/** The most keys of one session that are stored and have not expired. Those that were revoked count until they are deleted. */
export const MAX_KEYS = 100;
const LIMIT = raw(MAX_KEYS);

/** Reads when a session expires, in the session's database. Throws SESSION_NOT_FOUND. */
export async function readExpiry(db: Database, reference: SessionReference): Promise<string> {
	const session = await db.first<{ expires_at: string }>(
		sql`SELECT expires_at FROM ${SESSION_BY_ID} WHERE ${ownSession(reference)}`,
	);
	if (!session) throw sessionNotFound();
	return session.expires_at;
}

/**
 * Stores in DB a key for one session, wherever the session is. The statement counts the session's keys itself, so that
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
async function insertSessionKey(
	db: Database,
	{ id, owner, now }: SessionReference,
	key: NewSessionKey,
): Promise<boolean> {
	const appendTypes = key.appendTypes.length > 0 ? JSON.stringify(key.appendTypes) : null;
	const [, stored] = await db.run<[never, { id: string }]>(
		[
			sql`INSERT INTO api_keys (id, key_hash, prefix, user_id, organization_id, permissions, created_at,
					expires_at, session_id, append_types, maker_key_id, maker_clerk_session_id)
				SELECT ${key.id}, ${key.keyHash}, ${key.prefix}, ${owner.userId}, ${owner.organizationId}, 'PRODUCTS:READ',
					${now}, ${key.expiresAt}, ${id}, ${appendTypes}, ${key.maker.keyId}, ${key.maker.clerkSessionId}
				WHERE (SELECT count(*) FROM (SELECT 1 FROM api_keys
					WHERE session_id = ${id} AND expires_at > ${now} LIMIT ${LIMIT})) < ${LIMIT}
				ON CONFLICT (id) DO NOTHING`,
			// A repeated INSERT can find the session full because of the first one.
			sql`SELECT id FROM api_keys WHERE id = ${key.id}`,
		],
		{ idempotent: true },
	);
	return stored.length > 0;
}

/** Deletes the keys of a session that have not expired but no longer work: they are revoked, or their maker has ended. */
async function deleteEndedKeys(db: Database, { id, now }: SessionReference): Promise<void> {
	await db.run(
		[
			sql`DELETE FROM api_keys INDEXED BY api_keys_by_id WHERE id IN (SELECT unexpired.id
				FROM (SELECT id, maker_key_id, revoked_at FROM api_keys
					WHERE session_id = ${id} AND expires_at > ${now} LIMIT ${LIMIT}) AS unexpired
				LEFT JOIN api_keys AS maker INDEXED BY api_keys_by_id ON maker.id = unexpired.maker_key_id
				WHERE unexpired.revoked_at IS NOT NULL OR maker.id IS NOT unexpired.maker_key_id OR maker.revoked_at IS NOT NULL
					OR maker.expires_at <= ${now})`,
		],
		{ idempotent: true },
	);
}

/** Revokes in DB a key for one session. Throws NOT_FOUND when the session has no such key. Idempotent. */
export async function revokeSessionKey(
	db: Database,
	{ id, owner, now }: SessionReference,
	keyId: string,
): Promise<void> {
	const revoked = await db.first(
		sql`UPDATE api_keys SET revoked_at = ifnull(revoked_at, ${now}) WHERE id = ${keyId} AND session_id = ${id}
			AND user_id = ${owner.userId} AND organization_id IS ${owner.organizationId} RETURNING id`,
		{ idempotent: true },
	);
	if (!revoked) throw new ApiError('NOT_FOUND', 'The session has no such key.');
}
