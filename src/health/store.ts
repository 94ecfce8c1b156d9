import type { Database } from '../database/database.ts';

/** Asks the database for an answer. Throws DATABASE_UNAVAILABLE when there is none. */
export async function ping(db: Database): Promise<void> {
	await db.run([{ sql: 'SELECT 1', parameters: [] }], { safeToRepeat: true });
}
