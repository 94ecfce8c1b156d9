import { applyD1Migrations, reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { statuses } from '../../src/sessions/schema.ts';
import { query } from '../support/database.ts';

/** The statuses of earlier versions that are no longer among the five, each with the one that replaces it. */
const replaced = { planning: 'generating', completed: 'complete', cancelled: 'failed' };
const kept = Object.fromEntries(statuses.map((status) => [status, status]));
const all = Object.entries({ ...replaced, ...kept });

const at = env.MIGRATIONS.findIndex(({ name }) => name.endsWith('_five_statuses.sql'));
const migrate = () => applyD1Migrations(env.DB, env.MIGRATIONS);

const stored = () =>
	query<{ id: string; status: string; version: number }>(
		'SELECT id, status, version FROM sessions ORDER BY seq',
	);
const TIMES = "'2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '2999-01-01T00:00:00.000Z'";

/** A session of an earlier version of the service in each status, at version 7 and with an event. */
beforeEach(async () => {
	await reset();
	await applyD1Migrations(env.DB, env.MIGRATIONS.slice(0, at));
	for (const [status] of all) {
		await query(
			`INSERT INTO sessions (id, user_id, status, plan, version, created_at, updated_at, expires_at)
			VALUES (?1, 'u', ?1, ?2, 7, ${TIMES})`,
			status,
			`{"text":"${'x'.repeat(100_000)}"}`,
		);
		await query(
			"INSERT INTO events (session_id, number, id, type, payload, created_at) VALUES (?, 1, 'e', 't', '{}', '2026')",
			status,
		);
	}
});

describe('the migration to the five statuses', () => {
	it('replaces the former statuses, counts a version for each, and leaves the other sessions as they are', async () => {
		const before = await query(
			'SELECT id, plan, created_at, updated_at, expires_at FROM sessions ORDER BY seq',
		);
		await migrate();
		expect(await stored()).toEqual(
			all.map(([from, to]) => ({ id: from, status: to, version: from === to ? 7 : 8 })),
		);
		expect(
			await query('SELECT id, plan, created_at, updated_at, expires_at FROM sessions ORDER BY seq'),
		).toEqual(before);
		expect(await query('SELECT count(*) AS n FROM events')).toEqual([{ n: all.length }]);
	});

	it('replaces a former status that the Worker of the earlier version writes afterwards', async () => {
		await migrate();
		for (const status of Object.keys(replaced)) {
			await query('UPDATE sessions SET status = ?, version = 20 WHERE id = ?', status, status);
		}
		expect((await stored()).filter(({ version }) => version > 20)).toEqual(
			Object.entries(replaced).map(([id, status]) => ({ id, status, version: 21 })),
		);
	});

	it('finds the sessions by an index, without a read of the others', async () => {
		const update = env.MIGRATIONS[at]?.queries.find((sql) => sql.includes('UPDATE sessions\nSET')) ?? '';
		const plan = await query<{ detail: string }>(
			`EXPLAIN QUERY PLAN ${update.slice(update.indexOf('UPDATE'))}`,
		);
		expect(plan.map(({ detail }) => detail)).toEqual([
			'SEARCH sessions USING INTEGER PRIMARY KEY (rowid=?)',
			'LIST SUBQUERY 1',
			'SCAN sessions USING COVERING INDEX sessions_by_owner_and_status',
		]);
	});
});
