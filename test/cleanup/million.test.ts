import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { cleanUp } from '../../src/cleanup/cleanup.ts';
import { newCaller } from '../support/api.ts';
import { countRows, query } from '../support/database.ts';

const SESSIONS = 11_000;
const EVENTS_EACH = 100;

/** Eleven thousand sessions; every eleventh is alive and lies between expired ones. */
async function fill(): Promise<void> {
	await query(
		`INSERT INTO sessions (id, user_id, status, prd, created_at, updated_at, expires_at)
		WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		SELECT printf('sess_%026d', i), 'user_many', 'intake', '{"a":1}', '2020-01-01', '2020-01-01',
			iif(i % 11 = 5, '2999-01-01T00:00:00.000Z', '2020-01-02T00:00:00.000Z') FROM n`,
		SESSIONS,
	);
	for (let from = 1; from <= EVENTS_EACH; from += 10) {
		await query(
			`INSERT INTO events (session_id, number, id, type, payload, created_at)
			WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1 + 10)
			SELECT sessions.id, i, 'evt_' || i, 'note', '{}', '2020-01-01' FROM sessions CROSS JOIN n`,
			from,
		);
	}
}

it('deletes a million expired events of ten thousand sessions over several runs, and keeps every live session', {
	timeout: 300_000,
}, async () => {
	await fill();
	const caller = await newCaller();
	const { id } = await caller.create();
	const budget = { CLEANUP_MAX_STATEMENTS: 200, CLEANUP_MAX_SECONDS: 25 };
	let left: number | null = null;
	let [sessions, events, runs] = [0, 0, 0];
	for (; left !== 0; runs += 1) {
		const report = await cleanUp(env.DB, Date.now(), budget);
		expect(report.statements).toBeLessThanOrEqual(budget.CLEANUP_MAX_STATEMENTS);
		sessions += report.sessions;
		events += report.events;
		left = report.left;
		expect((await caller.details(id)).id).toBe(id);
	}
	expect([sessions, events]).toEqual([10_000, 1_000_000]);
	expect(runs).toBeGreaterThan(1);
	const alive = "user_id = 'user_many' AND prd = '{\"a\":1}'";
	expect(await countRows('sessions', alive)).toBe(1000);
	expect(await countRows('events')).toBe(1000 * EVENTS_EACH);
});
