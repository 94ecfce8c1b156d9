import { typeid } from 'typeid-js';
import type { Database } from '../core/database.ts';
import type { Permission } from '../core/principal.ts';
import { type KeyEnvironment, newApiKey } from './api-key-format.ts';
import { type ApiKeyRow, insertApiKey } from './store.ts';

/** The owner, permissions and expiry of a key to make. */
export interface KeyRequest {
	userId: string;
	organizationId: string | null;
	name: string | null;
	permissions: readonly Permission[];
	environment: KeyEnvironment;
	/** ISO 8601; null for a key that does not expire. */
	expiresAt: string | null;
}

/** Makes and stores a key. The returned `key` itself is not stored. Throws DatabaseUnavailable. */
export async function issueKey(db: Database, request: KeyRequest): Promise<{ key: string; row: ApiKeyRow }> {
	const { key, keyHash, prefix } = await newApiKey(request.environment);
	const row: ApiKeyRow = {
		id: typeid('key').toString(),
		key_hash: keyHash,
		prefix,
		user_id: request.userId,
		organization_id: request.organizationId,
		name: request.name,
		permissions: request.permissions.join(','),
		created_at: new Date().toISOString(),
		expires_at: request.expiresAt,
		revoked_at: null,
		last_used_at: null,
		session_id: null,
		append_types: null,
		maker_key_id: null,
		maker_clerk_session_id: null,
	};
	await insertApiKey(db, row);
	return { key, row };
}
