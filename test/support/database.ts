import { env } from 'cloudflare:workers';

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

/** Sets a session's expiry, by default to a time long ago. */
export const expire = (id: string, at = '2020-01-01T00:00:00.000Z') =>
	query('UPDATE sessions SET expires_at = ? WHERE id = ?', at, id);

/** Counts a user's sessions in all organizations, including expired ones. */
export const sessionsOf = (userId: string): Promise<number> => countRows('sessions', 'user_id = ?', userId);

/** Counts the rows of a table. */
export async function countRows(
	table: 'sessions' | 'events',
	where = 'true',
	...parameters: unknown[]
): Promise<number> {
	const [row] = await query<{ n: number }>(
		`SELECT count(*) AS n FROM ${table} WHERE ${where}`,
		...parameters,
	);
	return row?.n ?? 0;
}
