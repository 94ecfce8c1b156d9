import { exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { ApiError, createClient, etagOf } from '../../src/client/client.ts';
import { newCaller, ORIGIN } from '../support/api.ts';

/** A client of the service. `before` runs before each request. */
async function newClient(before: (method: string) => Promise<unknown> = async () => {}) {
	const { key } = await newCaller();
	return createClient({
		baseUrl: ORIGIN,
		token: key,
		async fetch(url, init) {
			await before(init.method);
			return exports.default.fetch(new Request(url, init as RequestInit));
		},
	});
}

describe('versions', () => {
	it('are listed in one page, and over all pages', async () => {
		const client = await newClient();
		const { id } = await client.create();
		for (let n = 2; n <= 7; n += 1) await client.update(id, { plan: { n } });
		const page = await client.versions(id, { limit: 3, before: 7 });
		expect(page.data.map(({ version }) => version)).toEqual([6, 5, 4]);
		expect([page.hasMore, page.data[0]?.changed]).toEqual([true, ['plan']]);
		const all = [];
		for await (const { version } of client.versions(id, { limit: 3 })) all.push(version);
		expect(all).toEqual([7, 6, 5, 4, 3, 2, 1]);
	});

	it('are read by get, whole or some of their fields', async () => {
		const client = await newClient();
		const { id } = await client.create({ prd: { a: 1 } });
		await client.append(id, { type: 'note' });
		await client.update(id, { prd: { a: 2 } });
		const first = await client.get(id, { version: 1 });
		expect([first.prd, first.events, etagOf(first)]).toEqual([{ a: 1 }, [], '"1"']);
		expect(await client.get(id, { version: 2, fields: ['prd'] })).toEqual({ prd: { a: 2 } });
		await expect(client.get(id, { version: 3 })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' });
		await expect(client.update(id, { prd: {} }, { ifMatch: first })).rejects.toThrow(ApiError);
	});
});

describe('fork', () => {
	it('makes a session that begins as another one is or was, with other fields', async () => {
		const client = await newClient();
		const { id } = await client.create({ prd: { a: 1 }, catalogVersion: 'c' });
		await client.update(id, { status: 'generating', plan: { b: 1 } });
		await client.update(id, { plan: { b: 2 } });
		expect(await client.fork(id)).toMatchObject({
			status: 'generating',
			plan: { b: 2 },
			catalogVersion: 'c',
		});
		const again = await client.fork(id, { version: 2, prd: { a: 9 } }, { idempotencyKey: 'k' });
		expect(again).toMatchObject({ plan: { b: 1 }, prd: { a: 9 }, status: 'generating' });
		const retried = await client.fork(id, { version: 2, prd: { a: 9 } }, { idempotencyKey: 'k' });
		expect(retried.id).toBe(again.id);
	});
});

describe('restore', () => {
	/** A session whose first versions differ in many ways. */
	async function many(client: Awaited<ReturnType<typeof newClient>>) {
		const { id } = await client.create({ prd: { a: [1, null], b: { c: 1, d: { e: 1 } } } });
		await client.update(id, { plan: { x: 1, y: { z: 1 } }, status: 'generating' });
		await client.update(id, {
			plan: { y: { z: 2, w: 3 }, v: [] },
			productObject: { p: 1 },
			status: 'failed',
		});
		await client.merge(id, { prd: { b: null, f: 'new' }, assemblyState: { q: true } });
		return id;
	}
	const stateOf = ({ id: _, events: _events, updatedAt: _at, ...state }: Record<string, unknown>) => state;

	it.each([1, 2, 3, 4])('makes version %i the newest one', async (version) => {
		const client = await newClient();
		const id = await many(client);
		const past = await client.get(id, { version });
		const restored = await client.restore(id, version);
		expect(stateOf({ ...restored })).toEqual(stateOf({ ...past }));
		expect(etagOf(restored)).toBe('"5"');
		expect((await client.get(id, { version: 4 })).status).toBe('failed');
	});

	it.each([1, 2, 3])('appends an event together with the change to version %i', async (version) => {
		const client = await newClient();
		const id = await many(client);
		const past = await client.get(id, { version });
		const restored = await client.restore(id, version, { event: { type: 'restored', payload: { version } } });
		expect(stateOf({ ...restored })).toEqual(stateOf({ ...past }));
		const { data } = await client.versions(id, { limit: 1 });
		const { events } = await client.get(id);
		expect(data[0]).toMatchObject({ version: 5, afterEvent: events[0]?.id });
	});

	it('writes nothing if somebody changes the session meanwhile', async () => {
		let reads = 0;
		const client = await newClient(async (method) => {
			reads += method === 'GET' ? 1 : 0;
			if (reads !== 2 || method !== 'PATCH') return;
			reads = 3;
			await client.update(id, { status: 'complete' });
		});
		const { id } = await client.create();
		await client.update(id, { status: 'failed' });
		await expect(client.restore(id, 1)).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
		expect((await client.get(id)).status).toBe('complete');
	});

	it('throws before it writes where only replacing could give a member that is null', async () => {
		const client = await newClient();
		const { id } = await client.create();
		await client.update(id, { plan: { a: null } });
		await client.update(id, { plan: { a: 1 } });
		await expect(client.restore(id, 2, { event: { type: 'restored' } })).rejects.toThrow(TypeError);
		expect((await client.get(id)).plan).toEqual({ a: 1 });
		expect((await client.restore(id, 2)).plan).toEqual({ a: null });
	});
});
