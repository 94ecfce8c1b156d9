import { env } from 'cloudflare:workers';
import { expect, it, vi } from 'vitest';
import { newCaller, SESSIONS } from '../support/api.ts';
import { query } from '../support/database.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { meteredD1 } from '../support/metered-d1.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

const VERSIONS = 20_000;

/** A session with as many versions as HISTORY_BYTES keeps of changes that are almost nothing. One of them replaced the plan. */
async function changedVeryOften(replacedAt: number, d1 = env.DB) {
	const meter = meteredD1(d1);
	const caller = await newCaller({ fetcher: serviceWith({ DB: meter.d1 }) });
	const { id } = await caller.create({ prd: { a: 1 } });
	await query(
		`INSERT INTO versions (session_id, version, bytes, bytes_before, after_event, changed, next_after_event, next_changed,
			status, expires_at, updated_at, prd, plan)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
		SELECT ?1, i, 200, 200 * (i - 1), 0, iif(i = 1, '', 'plan'), 0, 'plan', 'intake', '2999-01-01T00:00:00.000Z',
			'2026-01-01T00:00:00.000Z', '[]', iif(i = ?3, '{"before":true}', '[]') FROM n`,
		id,
		VERSIONS,
		replacedAt,
	);
	await query(`UPDATE sessions SET version = ?2, plan = '{"now":true}' WHERE id = ?1`, id, VERSIONS + 1);
	const readAt = async (version: number) => {
		meter.reset();
		const { json } = await caller.call('GET', `${SESSIONS}/${id}?version=${version}`);
		return { prd: json.prd, plan: json.plan };
	};
	return { caller, id, meter, readAt };
}

it('the oldest of very many versions is read in round trips of a limited number of rows', async () => {
	const { meter, readAt } = await changedVeryOften(5000);
	for (const version of [2, 5000, 5001, 15_500, VERSIONS, VERSIONS + 1]) {
		const plan = version <= 5000 ? { before: true } : { now: true };
		expect(await readAt(version)).toEqual({ prd: { a: 1 }, plan });
		expect(Math.max(...meter.readByStatement)).toBeLessThanOrEqual(10_000);
		expect(meter.trips).toBeLessThanOrEqual(VERSIONS / 1000 + 1);
	}
});

it('a version that is deleted while a read goes on from it is not found, and one that is added is read', async () => {
	let meanwhile: (() => Promise<unknown>) | undefined;
	const d1 = wrappedD1(env.DB, async (_, work) => {
		const results = await work();
		const change = meanwhile;
		meanwhile = undefined;
		await change?.();
		return results;
	});
	const { caller, id, meter, readAt } = await changedVeryOften(5000, d1);
	await caller.call('GET', SESSIONS);
	meanwhile = () => caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: { later: true }, prd: null } });
	expect(await readAt(15_000)).toEqual({ prd: { a: 1 }, plan: { now: true } });
	meanwhile = () => query('DELETE FROM versions WHERE session_id = ? AND version < 15000', id);
	const { status, json } = await caller.call('GET', `${SESSIONS}/${id}?version=2`);
	expect([status, json.code]).toEqual([404, 'VERSION_NOT_FOUND']);
	expect(meter.trips).toBeGreaterThan(1);
});

it('many changes of a large object are undone some at a time, with rests between them', async () => {
	const { id, readAt } = await changedVeryOften(VERSIONS + 1);
	const text = 'x'.repeat(390_000);
	const [large, head] = [`{"n":1,"t":"${text}"}`, '{"n":'.length];
	const tail = large.length - head - 1;
	await query('UPDATE sessions SET plan = ?2 WHERE id = ?1', id, large);
	await query(
		'UPDATE versions SET plan = iif(version % 2, ?2, ?3) WHERE session_id = ?1',
		id,
		`[[0,${head},${tail},"1"]]`,
		`[[0,${head},${tail},"22"]]`,
	);
	let [atOnce, most] = [0, 0];
	const { copyWithin } = Uint8Array.prototype;
	vi.spyOn(Uint8Array.prototype, 'copyWithin').mockImplementation(function (this: Uint8Array, ...args) {
		atOnce += 1;
		most = Math.max(most, atOnce);
		return copyWithin.apply(this, args);
	});
	const { setTimeout: start } = globalThis;
	vi.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, wait?: number) => {
		atOnce = 0;
		return start(work, wait);
	}) as typeof setTimeout);
	expect((await readAt(2)).plan).toEqual({ n: 22, t: text });
	expect(most).toBeGreaterThan(0);
	expect(most).toBeLessThanOrEqual(1000);
});
