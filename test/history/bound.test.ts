import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { query } from '../support/database.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { meteredD1 } from '../support/metered-d1.ts';

const MERGE = { 'Content-Type': 'application/merge-patch+json' };
const members = (count: number, value: unknown = 1) =>
	Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n.toString(36)}`, value]));

/** A caller of a service with this HISTORY_BYTES, and what its requests cost D1. */
async function callerWith(historyBytes: number, userId?: string) {
	const meter = meteredD1(env.DB);
	const fetcher = serviceWith({ DB: meter.d1, HISTORY_BYTES: String(historyBytes) });
	const caller = await newCaller({ fetcher, ...(userId ? { userId } : {}) });
	await caller.call('GET', SESSIONS); // This caches the key.
	const send = async (method: string, path: string, body: unknown, headers: Record<string, string> = {}) => {
		meter.reset();
		const answer = await caller.call(method, `${SESSIONS}${path}`, { body, headers });
		expect(answer.status).toBeLessThan(300);
		return answer;
	};
	return {
		caller,
		meter,
		patch: (id: string, body: unknown) => send('PATCH', `/${id}`, body),
		merge: (id: string, body: unknown) => send('PATCH', `/${id}`, body, MERGE),
		step: (id: string, body: unknown) => send('POST', `/${id}/steps`, body),
	};
}

const versionsOf = async (caller: Caller, id: string) => {
	const answer = await caller.call<{
		data: { version: number; afterEvent: string | null; changed: string[] }[];
	}>('GET', `${SESSIONS}/${id}/versions?limit=100`);
	return answer.json.data;
};
const numbersOf = async (caller: Caller, id: string) =>
	(await versionsOf(caller, id)).map(({ version }) => version);
const planAt = async (caller: Caller, id: string, version: number) => {
	const { status, json } = await caller.call('GET', `${SESSIONS}/${id}?version=${version}&fields=plan`);
	return status === 200 ? json.plan : status;
};

/** The bytes of the rows that are stored of a session's versions, as far as they can be large. */
const storedBytes = async (id: string) => {
	const [row] = await query<{ bytes: number }>(
		`SELECT ifnull(sum(octet_length(ifnull(prd, '') || ifnull(plan, '') || ifnull(product_object, '') || ifnull(assembly_state, ''))), 0)
			AS bytes FROM versions WHERE session_id = ?`,
		id,
	);
	return row?.bytes ?? 0;
};

describe('the bound of a session’s history', () => {
	it('keeps as many versions as fit, and the oldest go first', async () => {
		const { caller, patch } = await callerWith(10_000);
		const { id } = await caller.create();
		for (let n = 2; n <= 20; n += 1) {
			await patch(id, { plan: { n, text: 'x'.repeat(1780) } });
			expect(await storedBytes(id)).toBeLessThanOrEqual(10_000);
		}
		// Each of these versions counts just under 2,000 bytes.
		expect(await numbersOf(caller, id)).toEqual([20, 19, 18, 17, 16, 15]);
		for (const version of [15, 16, 17, 18, 19, 20]) {
			expect(await planAt(caller, id, version)).toMatchObject({ n: version });
		}
		expect(await planAt(caller, id, 14)).toBe(404);
	});

	it('deletes many small versions for a large one, in the same write', async () => {
		const { caller, patch, merge, meter } = await callerWith(100_000);
		const { id } = await caller.create();
		for (let n = 2; n <= 60; n += 1) await patch(id, { status: 'generating' });
		await patch(id, { plan: { text: 'x'.repeat(95_000) } });
		expect((await numbersOf(caller, id)).length).toBe(61);
		await merge(id, { plan: null });
		expect(meter.trips).toBe(1);
		expect(await storedBytes(id)).toBeLessThanOrEqual(100_000);
		const kept = await numbersOf(caller, id);
		expect(kept.slice(0, 2)).toEqual([62, 61]);
		expect(kept.length).toBeGreaterThan(15);
		expect(kept.length).toBeLessThan(30);
		expect(await planAt(caller, id, kept.at(-1) ?? 0)).toBe(null);
	});

	it('lists the current version, with the event before it, when nothing earlier fits', async () => {
		const { caller, patch } = await callerWith(1000);
		const { id } = await caller.create({ prd: { text: 'x'.repeat(5000) } });
		const { id: event } = await caller.append(id);
		await patch(id, { prd: { small: true } });
		expect(await versionsOf(caller, id)).toMatchObject([{ version: 2, afterEvent: event, changed: ['prd'] }]);
		await patch(id, { plan: { a: 1 } });
		expect(await versionsOf(caller, id)).toMatchObject([
			{ version: 3, afterEvent: event, changed: ['plan'] },
			{ version: 2, afterEvent: event, changed: ['prd'] },
		]);
		// With a larger bound, a version that was too large for the earlier one does not come back with other content.
		const { caller: later } = await callerWith(4_194_304, caller.userId);
		expect((await later.call('GET', `${SESSIONS}/${id}?version=1`)).status).toBe(404);
		expect((await later.call('GET', `${SESSIONS}/${id}?version=2`)).json.prd).toEqual({ small: true });
	});

	it('counts from the first change after history was off, and keeps nothing from before it', async () => {
		const on = await callerWith(1_000_000);
		const off = await callerWith(0, on.caller.userId);
		const { id } = await on.caller.create();
		for (let n = 2; n <= 4; n += 1) await on.patch(id, { plan: { n } });
		await on.caller.append(id);
		await off.patch(id, { plan: { n: 5 } });
		expect(await numbersOf(off.caller, id)).toEqual([5]);
		expect(await versionsOf(on.caller, id)).toEqual([
			expect.objectContaining({ version: 5, afterEvent: null, changed: [] }),
		]);
		expect(await planAt(on.caller, id, 4)).toBe(404);
		await on.patch(id, { plan: { n: 6 } });
		await on.patch(id, { plan: { n: 7 } });
		expect(await numbersOf(on.caller, id)).toEqual([7, 6, 5]);
		expect(await planAt(on.caller, id, 5)).toEqual({ n: 5 });
		expect(await query('SELECT version FROM versions WHERE session_id = ?', id)).toHaveLength(2);
	});

	it('reads a version behind many megabytes in several round trips, each of a limited size', async () => {
		const { caller, patch, merge, meter } = await callerWith(67_108_864);
		const { id } = await caller.create();
		await patch(id, { plan: { n: 2, text: 'x'.repeat(300_000) } });
		for (let n = 3; n <= 40; n += 1) {
			await merge(id, { plan: { [n % 2 === 0 ? 'a' : 'b']: n } });
			await patch(id, { prd: { n, text: 'y'.repeat(399_000) } });
		}
		meter.reset();
		expect(await planAt(caller, id, 2)).toMatchObject({ n: 2 });
		expect(meter.trips).toBeGreaterThan(2);
		expect(meter.trips).toBeLessThan(6);
		meter.reset();
		expect(await planAt(caller, id, 77)).toMatchObject({ b: 39, a: 40 });
		expect(meter.trips).toBe(1);
	});
});

describe('a small merge into a large object', () => {
	it.each([
		['of one member', () => ({ k0: 'new' })],
		['of members far apart', () => ({ k0: 'new', kzz: { a: 1 }, added: 'é' })],
		['that removes members', () => ({ k1: null, kzz: null })],
		['of twelve members beside one another', () => ({ inner: members(12, 'new') })],
	])('%s keeps a part, in one round trip', async (_, change) => {
		const { caller, patch, merge, step, meter } = await callerWith(4_194_304);
		const plan = { inner: members(12), ...members(35_000) };
		const { id } = await caller.create();
		await patch(id, { plan, productObject: plan });
		const before = await storedBytes(id);
		await merge(id, { plan: change() });
		expect(meter.trips).toBe(1);
		await step(id, { events: [{ type: 't' }], patch: { plan: { more: 1 } } });
		expect(meter.trips).toBe(1);
		// The Worker makes this one, for the hash.
		await merge(id, { productObject: change() });
		expect((await storedBytes(id)) - before).toBeLessThan(2000);
		const past = await caller.call('GET', `${SESSIONS}/${id}?version=2&fields=plan,productObject`);
		expect(past.text).toBe(JSON.stringify({ plan, productObject: plan }));
	});

	it('allows a thousand versions of an object that only ten would fit of', { timeout: 600_000 }, async () => {
		const { caller, patch, merge } = await callerWith(4_194_304);
		const { id } = await caller.create();
		await patch(id, { plan: { last: 0, text: 'x'.repeat(350_000) } });
		for (let n = 1; n <= 200; n += 1) await merge(id, { plan: { last: n, [`m${n}`]: n } });
		const [first] = (await versionsOf(caller, id)).slice(-1);
		expect(first?.version).toBe(103);
		for (const version of [2, 57, 102, 202]) {
			expect(await planAt(caller, id, version)).toMatchObject({ last: version - 2 });
		}
		expect(await storedBytes(id)).toBeLessThan(30_000);
	});
});

describe('what history costs', () => {
	const plan = { plan: { steps: [1] } };

	it('one row more for an update and a step, and no round trip', async () => {
		const { caller, patch, merge, step, meter } = await callerWith(4_194_304);
		const { id } = await caller.create({ prd: { text: 'x'.repeat(1000) } });
		const costs = [];
		for (const change of [
			() => patch(id, plan),
			() => patch(id, { status: 'failed' }),
			() => merge(id, { prd: { a: 1 } }),
			() => step(id, { events: [{ type: 'a' }, { type: 'b' }], patch: plan }),
			() => step(id, { events: [{ type: 'a' }] }),
			() => patch(id, {}),
		]) {
			await change();
			costs.push([meter.trips, meter.rowsWritten]);
		}
		expect(costs).toEqual([
			[1, 2],
			[1, 3],
			[1, 2],
			[1, 4],
			[1, 1],
			[1, 0],
		]);
	});

	it('nothing while it is off: the statements of an update and a step are those without it', async () => {
		const { caller, patch, step, meter } = await callerWith(0);
		const { id } = await caller.create();
		await patch(id, plan);
		expect([meter.trips, meter.readByStatement.length, meter.rowsWritten]).toEqual([1, 1, 1]);
		await step(id, { events: [{ type: 'a' }], patch: plan });
		expect([meter.trips, meter.readByStatement.length, meter.rowsWritten]).toEqual([1, 4, 2]);
		expect(await query('SELECT version FROM versions WHERE session_id = ?', id)).toEqual([]);
		expect(await numbersOf(caller, id)).toEqual([3]);
		expect(await planAt(caller, id, 3)).toEqual(plan.plan);
		expect(await planAt(caller, id, 2)).toBe(404);
	});

	it('does not grow with the number of versions', async () => {
		const { caller, patch, meter } = await callerWith(4_194_304);
		const { id } = await caller.create();
		const read = [];
		for (let n = 0; n < 300; n += 1) {
			await patch(id, plan);
			if (n % 100 === 99) read.push(meter.rowsRead);
		}
		expect(new Set(read).size).toBe(1);
		meter.reset();
		await caller.call('GET', `${SESSIONS}/${id}/versions?limit=20`);
		expect([meter.trips, meter.rowsRead < 60]).toEqual([1, true]);
	});

	it('is that of nothing for a write that a condition refuses', async () => {
		const { caller, patch } = await callerWith(4_194_304);
		const { id } = await caller.create();
		await patch(id, plan);
		const headers = { 'If-Match': '"1"' };
		expect((await caller.call('PATCH', `${SESSIONS}/${id}`, { body: plan, headers })).status).toBe(412);
		const large = { plan: { text: 'x'.repeat(399_990) } };
		expect((await caller.call('PATCH', `${SESSIONS}/${id}`, { body: large, headers: MERGE })).status).toBe(
			413,
		);
		expect(await query('SELECT version FROM versions WHERE session_id = ?', id)).toHaveLength(1);
	});
});
