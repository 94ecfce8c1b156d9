import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError, type Client, createClient, etagOf } from '../../src/client/client.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
let client: Client;
beforeAll(async () => {
	server = await startServer();
	client = createClient({ baseUrl: server.url, token: await server.newKey() });
});
afterAll(() => server.close());

describe('the client against the service', () => {
	it('creates, updates, merges, appends, reads, lists and deletes', async () => {
		const session = await client.create({ prd: { title: 'Support assistant' } });
		expect(Object.keys(session)).toHaveLength(14);

		expect((await client.update(session.id, { status: 'generating', plan: { steps: 2 } })).plan).toEqual({
			steps: 2,
		});
		const merged = await client.merge(session.id, { plan: { owner: 'worker-7' } });
		expect(merged.plan).toEqual({ steps: 2, owner: 'worker-7' });

		for (const type of ['plan.started', 'plan.ready']) await client.append(session.id, { type });
		expect((await client.get(session.id)).events.map(({ type }) => type)).toEqual([
			'plan.started',
			'plan.ready',
		]);

		const page = await client.list({ status: 'generating' });
		expect(page.data.map(({ id }) => id)).toEqual([session.id]);

		await client.delete(session.id);
		await expect(client.get(session.id)).rejects.toMatchObject({ status: 404, code: 'SESSION_NOT_FOUND' });
	});

	it('iterates over all events, page by page', async () => {
		const { id } = await client.create();
		const types = ['one', 'two', 'three', 'four', 'five'];
		for (const type of types) await client.append(id, { type });
		const seen: string[] = [];
		for await (const event of client.events(id, { limit: 2 })) seen.push(event.type);
		expect(seen).toEqual(types);
	});

	it('throws an ApiError that names each problem and the request', async () => {
		const failure = await client.create({ catalogVersion: 'x'.repeat(300) }).catch((error) => error);
		expect(failure).toBeInstanceOf(ApiError);
		expect(failure).toMatchObject({ status: 400, code: 'VALIDATION_ERROR' });
		expect(failure.requestId).toMatch(/^[\w.-]+$/);
		expect(failure.details).toEqual([
			{ path: 'catalogVersion', message: expect.any(String), code: 'TOO_LONG' },
		]);
		expect(failure.message).toContain('catalogVersion');
	});

	it('writes conditionally with a session, with its ETag, and with its weak ETag', async () => {
		const created = await client.create();
		const { id } = created;
		const planned = await client.update(id, { status: 'generating' }, { ifMatch: created });
		await expect(client.update(id, { status: 'failed' }, { ifMatch: created })).rejects.toMatchObject({
			status: 412,
			code: 'PRECONDITION_FAILED',
		});
		const merged = await client.merge(id, { plan: {} }, { ifMatch: `W/${etagOf(planned)}` });
		const read = await client.get(id);
		expect(etagOf(read)).toBe(etagOf(merged));
		await expect(client.delete(id, { ifMatch: created })).rejects.toMatchObject({ status: 412 });
		await client.delete(id, { ifMatch: etagOf(read) });
	});

	it('makes the change of each of many concurrent editors', async () => {
		const { id } = await client.create({ prd: {} });
		await client.update(id, { plan: { turns: 0 } });
		const editors = Array.from({ length: 5 }, () =>
			client.editWhile(id, ({ plan }) => ({ patch: { plan: { turns: Number(plan?.turns) + 1 } } })),
		);
		await Promise.all(editors);
		expect((await client.get(id)).plan).toEqual({ turns: 5 });
	});
});
