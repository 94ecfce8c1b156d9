import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import { cleanUp } from '../../src/cleanup/cleanup.ts';
import { newCaller } from '../support/api.ts';
import { countRows, query } from '../support/database.ts';

/** Makes sessions with events; every eleventh session is alive and lies between expired ones. */
async function fill(sessions: number, eventsEach: number): Promise<void> {
	await query(
		`INSERT INTO sessions (id, user_id, status, prd, created_at, updated_at, expires_at)
		WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		SELECT printf('sess_%026d', i), 'user_many', 'intake', '{"a":1}', '2020-01-01', '2020-01-01',
			iif(i % 11 = 5, '2999-01-01T00:00:00.000Z', '2020-01-02T00:00:00.000Z') FROM n`,
		sessions,
	);
	for (let from = 1; from <= eventsEach; from += 10) {
		await query(
			`INSERT INTO events (session_id, position, id, type, payload, created_at)
			WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1 + 10)
			SELECT sessions.id, i, 'evt_' || i, 'note', '{}', '2020-01-01' FROM sessions CROSS JOIN n`,
			from,
		);
	}
}

/** Fills the database, runs the cleanup until nothing expired is left, and expects every live session to be whole. */
export async function expectManyExpiredToGo(
	{ sessions: total, eventsEach }: { sessions: number; eventsEach: number },
	maxStatements: number,
): Promise<void> {
	await fill(total, eventsEach);
	const caller = await newCaller();
	const { id } = await caller.create();
	const budget = { CLEANUP_MAX_STATEMENTS: maxStatements, CLEANUP_MAX_SECONDS: 25 };
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
	const alive = total / 11;
	expect([sessions, events]).toEqual([total - alive, (total - alive) * eventsEach]);
	expect(runs).toBeGreaterThan(1);
	expect(await countRows('sessions', "user_id = 'user_many' AND prd = '{\"a\":1}'")).toBe(alive);
	expect(await countRows('events')).toBe(alive * eventsEach);
}
