import { applyD1Migrations, reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { query } from '../support/database.ts';

interface Table {
	name: string;
	rows: Record<string, unknown>[];
}

/** Every row of every table of the service. */
async function everything(): Promise<Table[]> {
	const tables = await query<{ name: string }>(
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%' AND name <> 'd1_migrations' ORDER BY name",
	);
	return Promise.all(
		tables.map(async ({ name }) => ({ name, rows: await query(`SELECT * FROM "${name}" ORDER BY 1`) })),
	);
}

/** Inserts rows into every empty table. Each NOT NULL column gets a value of its type. */
async function addRows(): Promise<void> {
	await query(
		`INSERT OR IGNORE INTO sessions (id, user_id, status, prd, created_at, updated_at, expires_at)
		VALUES ('sess_a', 'u', 'intake', '{"a":1}', '2026', '2026', '2999'), ('sess_b', 'u', 'failed', NULL, '2026', '2026', '2999')`,
	);
	await query(
		`INSERT OR IGNORE INTO events (session_id, position, id, type, payload, created_at)
		VALUES ('sess_a', 1, 'evt_1', 't', '{}', '2026'), ('sess_a', 2, 'evt_2', 't', '{"x":1}', '2026')`,
	);
	await query(
		`INSERT OR IGNORE INTO api_keys (id, key_hash, prefix, user_id, permissions, created_at)
		VALUES ('key_a', 'h', 'rt_test_', 'u', '*', '2026')`,
	);
	const [hasVersions] = await query("SELECT 1 FROM sqlite_schema WHERE name = 'versions'");
	if (hasVersions) {
		await query(
			`INSERT OR IGNORE INTO versions (session_id, version, bytes, bytes_before, next_after_event, next_changed, status,
				expires_at, updated_at) VALUES ('sess_a', 1, 200, 0, 0, '', 'intake', '2026', '2026')`,
		);
	}
	const [placed] = await query("SELECT 1 FROM sqlite_schema WHERE name = 'create_keys'");
	if (!placed) return;
	await query("INSERT OR IGNORE INTO create_keys VALUES ('u', '', 'k', 1, '2999')");
	const [hasWebhooks] = await query("SELECT 1 FROM sqlite_schema WHERE name = 'webhook_endpoints'");
	if (!hasWebhooks) return;
	await query(
		`INSERT OR IGNORE INTO webhook_endpoints (user_id, organization_id, id, url, names, secret, created_at, updated_at)
		VALUES ('u', '', 'wh_a', 'https://a.example/', '["event:*"]', 's', '2026', '2026')`,
	);
	await query(
		`INSERT OR IGNORE INTO webhook_messages (endpoint_id, next_try_at, id, type, created_at, session_id, status, version)
		VALUES ('wh_a', '2026', 'msg_a', 'event:t', '2026', 'sess_a', 'intake', 1)`,
	);
}

/** Each row without the columns that later migrations added. */
function expectKept(before: Table[], after: Table[]): void {
	for (const { name, rows } of before) {
		const now = after.find((table) => table.name === name)?.rows ?? [];
		expect(now).toHaveLength(rows.length);
		rows.forEach((row, at) => void expect(now[at]).toMatchObject(row));
	}
}

it('each migration keeps every stored row', async () => {
	await reset();
	for (const [at, migration] of env.MIGRATIONS.entries()) {
		const before = at === 0 ? [] : await everything();
		await applyD1Migrations(env.DB, env.MIGRATIONS.slice(0, at + 1));
		expectKept(before, await everything());
		await addRows();
		expect((await everything()).map(({ rows }) => rows.length > 0)).not.toContain(false);
		expect(migration.queries.join()).not.toMatch(/DROP TABLE\s+(IF EXISTS\s+)?sessions\b/i);
	}
	await applyD1Migrations(env.DB, env.MIGRATIONS);
	expect((await everything()).map(({ name, rows }) => [name, rows.length])).toEqual([
		['api_keys', 1],
		['create_keys', 1],
		['events', 2],
		['sessions', 2],
		['versions', 1],
		['webhook_endpoints', 1],
		['webhook_messages', 1],
	]);
});

it('no migration rebuilds a parent table, because that deletes its children', async () => {
	await addRows();
	const [before] = await query<{ n: number }>('SELECT count(*) AS n FROM events');
	expect(before?.n).toBe(2);
	await env.DB.batch(
		[
			'PRAGMA defer_foreign_keys = on',
			'CREATE TABLE sessions_new AS SELECT * FROM sessions',
			'DROP TABLE sessions',
			'ALTER TABLE sessions_new RENAME TO sessions',
		].map((sql) => env.DB.prepare(sql)),
	);
	const [after] = await query<{ n: number }>('SELECT count(*) AS n FROM events');
	expect(after?.n).toBe(0);
});
