import type { Database } from '../../core/database.ts';
import type { SessionReference } from '../../core/session-reference.ts';
import {
	insertPlacedSessionKey,
	insertSessionKey,
	type NewSessionKey,
	readExpiry,
	revokePlacedSessionKey,
	revokeSessionKey,
} from './store.ts';

/** The database of a session and the one of its keys. They are the same for a session in DB. */
export interface KeyHome {
	/** The database of the session. */
	ofSession: Database;
	/** DB, because a key must be found before its session is known. */
	ofKeys: Database;
}

/**
 * Stores a key that can read one session. Returns when the key expires, or undefined when there is no such session. It takes
 * one round trip for a session in DB, and two for any other.
 */
export async function storeSessionKey(
	{ ofSession, ofKeys }: KeyHome,
	reference: SessionReference,
	key: NewSessionKey,
): Promise<string | undefined> {
	if (ofSession === ofKeys) return insertSessionKey(ofKeys, reference, key);
	const end = await readExpiry(ofSession, reference);
	if (end === undefined) return undefined;
	const expiresAt = end < key.expiresAt ? end : key.expiresAt;
	await insertPlacedSessionKey(ofKeys, reference, { ...key, expiresAt });
	return expiresAt;
}

/** Revokes a key of a session. Returns whether the session and the key exist. It takes as many trips as storing a key. */
export async function endSessionKey(
	{ ofSession, ofKeys }: KeyHome,
	reference: SessionReference,
	keyId: string,
): Promise<{ session: boolean; key: boolean }> {
	if (ofSession === ofKeys) return revokeSessionKey(ofKeys, reference, keyId);
	if ((await readExpiry(ofSession, reference)) === undefined) return { session: false, key: false };
	return { session: true, key: await revokePlacedSessionKey(ofKeys, reference, keyId) };
}
