import { describe, expect, it } from 'vitest';
import {
	type CallOptions,
	type Client,
	type ClientOptions,
	createClient,
	follow,
} from '../../src/client/client.ts';
import { scriptedFetch, succeeding } from '../support/scripted-fetch.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
const clientOf = (options: Partial<ClientOptions> = {}) => {
	const { fetch, sent } = scriptedFetch();
	return { client: createClient({ baseUrl: 'https://api.test', token: 't', fetch, ...options }), sent };
};

/** Expects that a call throws a TypeError at once, or rejects with one, and sends nothing. */
async function expectTypeError(act: (client: Client) => unknown, what: unknown): Promise<void> {
	const { client, sent } = clientOf();
	const thrown = await (async () => act(client))().catch((error: unknown) => error);
	expect(thrown, String(JSON.stringify(what) ?? what)).toBeInstanceOf(TypeError);
	expect((thrown as Error).message, 'It says what to do.').toMatch(/must|Pass/);
	expect(sent).toEqual([]);
}

/** Calls of each kind with these options. */
const calls: [string, (client: Client, options: CallOptions) => unknown][] = [
	['get', (client, options) => client.get(ID, options)],
	['list', (client, options) => client.list(options)],
	['events', (client, options) => client.events(ID, options)],
	['append', (client, options) => client.append(ID, { type: 'note' }, options)],
	['update', (client, options) => client.update(ID, {}, options)],
	['delete', (client, options) => client.delete(ID, options)],
	['createKey', (client, options) => client.createKey(ID, options)],
	['revokeKey', (client, options) => client.revokeKey(ID, 'key_1', options)],
	['editWhile', (client, options) => client.editWhile(ID, () => undefined, options)],
	['request', (client, options) => client.request('GET', '/healthz', options)],
	['follow', (client, options) => client.follow(ID, options)],
];

describe('an argument that cannot be used throws a TypeError and sends nothing:', () => {
	it('a timeout that no timer can keep', async () => {
		for (const timeoutMs of [Number.POSITIVE_INFINITY, Number.NaN, 3e9, 2 ** 31, 0, -1, 'soon' as never]) {
			for (const [, call] of calls) await expectTypeError((client) => call(client, { timeoutMs }), timeoutMs);
			expect(() => clientOf({ timeoutMs })).toThrow(TypeError);
		}
	});

	it('a number of retries that is not one', async () => {
		for (const maxRetries of [Number.NaN, -1, 1.5, '5' as never]) {
			for (const [, call] of calls) {
				await expectTypeError((client) => call(client, { maxRetries }), maxRetries);
			}
			expect(() => clientOf({ maxRetries })).toThrow(TypeError);
		}
	});

	it('headers that cannot be sent, or that an option or the client sets', async () => {
		const unusable = [
			{ 'X-Tenant': 'Zürich–West' },
			{ 'X-Tenant': 'a\nb' },
			{ 'X Tenant': 'a' },
			{ '': 'a' },
			{ 'X-Tenant': 7 as never },
			{ Authorization: 'Bearer x' },
			{ 'if-match': '"7"' },
			{ 'Idempotency-Key': 'x' },
			{ 'Content-Type': 'text/plain' },
			{ Accept: 'text/html' },
			{ 'Last-Event-ID': 'evt_1' },
		];
		for (const headers of unusable) {
			for (const [, call] of calls) await expectTypeError((client) => call(client, { headers }), headers);
			expect(() => clientOf({ headers })).toThrow(TypeError);
		}
	});

	it('an id that is missing or would change the path', async () => {
		for (const id of [undefined, null, '', '..', 'a/b', 'a?b', 'a b', 7, {}] as string[]) {
			await expectTypeError((client) => client.get(id), id);
			await expectTypeError((client) => client.get(id, { fields: ['id'] }), id);
			await expectTypeError((client) => client.events(id), id);
			await expectTypeError((client) => client.update(id, {}), id);
			await expectTypeError((client) => client.merge(id, {}), id);
			await expectTypeError((client) => client.append(id, { type: 'note' }), id);
			await expectTypeError((client) => client.step(id, { events: [{ type: 'note' }] }), id);
			await expectTypeError((client) => client.delete(id), id);
			await expectTypeError((client) => client.createKey(id), id);
			await expectTypeError((client) => client.revokeKey(id, 'key_1'), id);
			await expectTypeError((client) => client.revokeKey(ID, id), id);
			await expectTypeError((client) => client.follow(id), id);
			await expectTypeError((client) => client.editWhile(id, () => undefined), id);
			await expectTypeError(() => follow({ baseUrl: 'https://api.test', token: 't' }, id), id);
		}
	});

	it('an idempotencyKey that a header cannot carry', async () => {
		for (const idempotencyKey of ['', ' ', 'a b', 'schlüssel', 'a\n', 'x'.repeat(256), null, 7] as string[]) {
			await expectTypeError((client) => client.create({}, { idempotencyKey }), idempotencyKey);
			await expectTypeError((client) => client.append(ID, { type: 'n' }, { idempotencyKey }), idempotencyKey);
			await expectTypeError(
				(client) => client.step(ID, { events: [{ type: 'n' }] }, { idempotencyKey }),
				idempotencyKey,
			);
			await expectTypeError((client) => client.request('POST', '/x', { idempotencyKey }), idempotencyKey);
		}
	});

	it('a number of attempts that is not one', async () => {
		for (const maxAttempts of [0, -1, Number.NaN, 1.5]) {
			await expectTypeError((client) => client.editWhile(ID, () => undefined, { maxAttempts }), maxAttempts);
		}
	});

	it('a path of a request that leads elsewhere, and a body of a GET', async () => {
		for (const path of [
			'',
			'healthz',
			'/%2e%2e/x',
			'/a?b',
			'/a#b',
			'/../x',
			'/a/./b',
			'\\\\evil.test',
			undefined,
		]) {
			await expectTypeError((client) => client.request('GET', path as string), path);
		}
		await expectTypeError((client) => client.request('GET', '/healthz', { body: {} }), 'a body');
	});

	it('a baseUrl that is not one of a service', () => {
		const unusable = [
			'',
			'localhost',
			'localhost:8787',
			'file:///tmp',
			'https://api.test?key=1',
			'https://api.test/?',
			'https://api.test#top',
			'https://api.test/#',
			'https://user:password@api.test',
			undefined,
		];
		for (const baseUrl of unusable) {
			expect(() => createClient({ baseUrl: baseUrl as string, token: 't' }), baseUrl).toThrow(TypeError);
		}
	});
});

describe('an argument', () => {
	it('is used at its limits', async () => {
		const { fetch, sent } = scriptedFetch(succeeding(), succeeding());
		const client = createClient({ baseUrl: ' https://api.test/a/ ', token: 't', fetch });
		await client.get(ID, { timeoutMs: 2 ** 31 - 1, maxRetries: Number.POSITIVE_INFINITY });
		await client.append(ID, { type: 'note' }, { idempotencyKey: '~'.repeat(255) });
		expect(sent[0]?.url.href).toBe(`https://api.test/a/v1/products/generation/sessions/${ID}`);
	});
});
