import type { Database } from '../core/database.ts';
import { sql } from '../core/sql.ts';

/**
 * Asks each table for a row that no table has. Throws DatabaseUnavailable when the database does not respond, or when its
 * migrations are not applied.
 */
export async function ping(db: Database): Promise<void> {
	await db.first(sql`SELECT
		(SELECT id FROM sessions INDEXED BY sessions_by_id WHERE id = ''),
		(SELECT id FROM events WHERE session_id = '' AND position = 0),
		(SELECT version FROM versions WHERE session_id = '' AND version = 0),
		(SELECT append_types FROM api_keys INDEXED BY api_keys_by_id WHERE id = ''),
		(SELECT database FROM create_keys WHERE user_id = '' AND organization_id = '' AND idempotency_key = ''),
		(SELECT failing_since FROM webhook_endpoints WHERE user_id = '' AND organization_id = ''),
		(SELECT id FROM webhook_messages WHERE endpoint_id = '')`);
}
