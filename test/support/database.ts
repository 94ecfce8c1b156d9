import { env } from 'cloudflare:workers';

/** Runs one statement directly, past the service: for what no call can do, and to look behind it. */
export async function query<T = Record<string, unknown>>(
	sql: string,
	...parameters: unknown[]
): Promise<T[]> {
	const { results } = await env.DB.prepare(sql)
		.bind(...parameters)
		.all<T>();
	return results;
}

/** Lets a session's life end at a time, by default long ago. */
export const expire = (id: string, at = '2020-01-01T00:00:00.000Z') =>
	query('UPDATE sessions SET expires_at = ? WHERE id = ?', at, id);

/** How many sessions a user has, in whatever organization, alive or not. */
export const sessionsOf = (userId: string): Promise<number> => countRows('sessions', 'user_id = ?', userId);

/** How many rows a table has. */
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
