import { env } from 'cloudflare:workers';
import { databaseNumberOf } from '../../src/core/session-id.ts';

/** Runs one SQL statement directly, for setup and checks that the API does not offer. */
export async function query<T = Record<string, unknown>>(
	sql: string,
	...parameters: unknown[]
): Promise<T[]> {
	const { results } = await env.DB.prepare(sql)
		.bind(...parameters)
		.all<T>();
	return results;
}

/** The databases of a test, by number: DB, and those that a test may bind as DB_1 to DB_4. */
export const d1s: readonly D1Database[] = [
	env.DB,
	env.FURTHER_1,
	env.FURTHER_2,
	env.FURTHER_3,
	env.FURTHER_4,
];

/** Sets a session's expiry, by default to a time long ago, in the database that its id names. */
export async function expire(id: string, at = '2020-01-01T00:00:00.000Z'): Promise<void> {
	const d1 = d1s[databaseNumberOf(id)] ?? env.DB;
	await d1.prepare('UPDATE sessions SET expires_at = ? WHERE id = ?').bind(at, id).run();
}

/** Counts a user's sessions in all organizations, including expired ones. */
export const sessionsOf = (userId: string): Promise<number> => countRows('sessions', 'user_id = ?', userId);

/** Counts the rows of a table. */
export async function countRows(
	table: 'sessions' | 'events' | 'versions' | 'api_keys',
	where = 'true',
	...parameters: unknown[]
): Promise<number> {
	const [row] = await query<{ n: number }>(
		`SELECT count(*) AS n FROM ${table} WHERE ${where}`,
		...parameters,
	);
	return row?.n ?? 0;
}
