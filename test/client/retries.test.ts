import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Client, createClient } from '../../src/client/client.ts';
import { type Reply, refusal, scriptedFetch, silence, succeeding } from '../support/scripted-fetch.ts';
import { until } from '../support/until.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
const unavailable = () => refusal(503, 'DATABASE_UNAVAILABLE', { 'Retry-After': '0' });
const slow = () => refusal(408, 'REQUEST_TIMEOUT');
const limited = () => refusal(429, 'RATE_LIMITED', { 'Retry-After': '0' });
const gateway = () => new Response('<h1>Bad gateway</h1>', { status: 502 });
const cutOff = () => new Response('{"id":"sess_', { headers: { 'Content-Type': 'application/json' } });

const clientOf = (...replies: Reply[]) => {
	const { fetch, sent } = scriptedFetch(...replies);
	return { client: createClient({ baseUrl: 'https://api.test', token: 'rt_test_1', fetch }), sent };
};

/** Makes each random delay 0. */
beforeEach(() => {
	vi.spyOn(Math, 'random').mockReturnValue(0);
});

type Act = (client: Client) => Promise<unknown>;
const reads: [string, Act][] = [
	['get', (client) => client.get(ID)],
	['list', async (client) => await client.list()],
	['events', async (client) => await client.events(ID)],
];
const keyed: [string, Act][] = [
	['create', (client) => client.create()],
	['append', (client) => client.append(ID, { type: 'note' })],
	['step', (client) => client.step(ID, { events: [{ type: 'note' }] })],
];
const conditional: [string, Act][] = [
	['update with ifMatch', (client) => client.update(ID, { status: 'failed' }, { ifMatch: '"1"' })],
	['merge with ifMatch', (client) => client.merge(ID, { plan: null }, { ifMatch: '"1"' })],
	['delete with ifMatch', (client) => client.delete(ID, { ifMatch: '"1"' })],
];
const idempotent: [string, Act][] = [
	['delete', (client) => client.delete(ID)],
	['revokeKey', (client) => client.revokeKey(ID, 'key_1')],
];
const unconditional: [string, Act][] = [
	['update', (client) => client.update(ID, { status: 'failed' })],
	['merge', (client) => client.merge(ID, { plan: null })],
	['createKey', (client) => client.createKey(ID)],
];
const lost: [string, () => Reply][] = [
	['a network error', () => 'cut'],
	['a 503', unavailable],
	['a 502 from a gateway', gateway],
	['a 522 from the edge', () => new Response(null, { status: 522 })],
	['a response that is cut off', cutOff],
];
const success = succeeding();

describe('a retry', () => {
	for (const [name, call] of [...reads, ...keyed, ...conditional, ...idempotent]) {
		for (const [failure, reply] of lost) {
			it(`of ${name} follows ${failure}`, async () => {
				const { client, sent } = clientOf(reply(), reply(), success);
				await call(client);
				expect(sent).toHaveLength(3);
			});
		}
	}

	for (const [name, call] of [...reads, ...keyed, ...conditional, ...idempotent, ...unconditional]) {
		it(`of ${name} follows a 429 and a 408`, async () => {
			const { client, sent } = clientOf(limited(), slow(), success);
			await call(client);
			expect(sent).toHaveLength(3);
		});

		it(`of ${name} does not follow a 400`, async () => {
			const { client, sent } = clientOf(refusal(400, 'VALIDATION_ERROR'));
			await expect(call(client)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
			expect(sent).toHaveLength(1);
		});
	}

	for (const [name, call] of unconditional) {
		for (const [failure, reply] of lost) {
			it(`of ${name} does not follow ${failure}, because the outcome is unknown`, async () => {
				const { client, sent } = clientOf(reply());
				await expect(call(client)).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
				expect(sent).toHaveLength(1);
			});
		}
	}

	for (const [name, call] of keyed) {
		it(`of ${name} keeps its Idempotency-Key, and the next call has another`, async () => {
			const { client, sent } = clientOf('cut', limited(), success, success);
			await call(client);
			await call(client);
			const [first, second, third, next] = sent.map(({ headers }) => headers.get('Idempotency-Key'));
			expect(first).toMatch(/^[0-9a-f]{32}$/);
			expect([second, third]).toEqual([first, first]);
			expect(next).not.toBe(first);
		});
	}

	it('sends the caller’s own Idempotency-Key', async () => {
		const { client, sent } = clientOf(success);
		await client.create({}, { idempotencyKey: 'build-42' });
		expect(sent[0]?.headers.get('Idempotency-Key')).toBe('build-42');
	});

	it('stops after maxRetries of the call or of the client', async () => {
		const { fetch, sent } = scriptedFetch(...Array.from({ length: 20 }, () => 'cut' as const));
		const client = createClient({ baseUrl: 'https://api.test', token: 't', maxRetries: 3, fetch });
		await expect(client.get(ID)).rejects.toMatchObject({ code: 'NETWORK_ERROR', status: 0 });
		expect(sent).toHaveLength(4);
		await expect(client.get(ID, { maxRetries: 0 })).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
		expect(sent).toHaveLength(5);
	});

	it('does not follow a Retry-After of more than two minutes', async () => {
		const { client, sent } = clientOf(refusal(429, 'RATE_LIMITED', { 'Retry-After': '3600' }));
		await expect(client.get(ID)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
		expect(sent).toHaveLength(1);
	});
});

describe('after a lost response', () => {
	it('a write throws OUTCOME_UNKNOWN when all of its retries fail', async () => {
		const { client } = clientOf('cut', limited());
		const failure = await client.create({}, { maxRetries: 1 }).catch((error) => error);
		expect(failure).toMatchObject({ code: 'OUTCOME_UNKNOWN', status: 429 });
		expect(failure.cause).toMatchObject({ code: 'RATE_LIMITED' });
	});

	it('a 412 of an update or merge leaves the outcome unknown', async () => {
		for (const act of ['update', 'merge'] as const) {
			const { client } = clientOf('cut', refusal(412, 'PRECONDITION_FAILED'));
			const call = client[act](ID, { status: 'failed' }, { ifMatch: '"1"' });
			await expect(call).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN', status: 412 });
		}
	});

	it('a 412 of a step means that nothing was done, because its Idempotency-Key identifies a repeat', async () => {
		const { client } = clientOf('cut', refusal(412, 'PRECONDITION_FAILED'));
		const call = client.step(ID, { events: [{ type: 'note' }] }, { ifMatch: '"1"' });
		await expect(call).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
	});

	it('a 412 of a delete means that nothing was done, because the session still exists', async () => {
		const { client } = clientOf('cut', refusal(412, 'PRECONDITION_FAILED'));
		await expect(client.delete(ID, { ifMatch: '"1"' })).rejects.toMatchObject({
			code: 'PRECONDITION_FAILED',
		});
	});

	it('a delete succeeds when its retry returns 404', async () => {
		const { client } = clientOf('cut', refusal(404, 'SESSION_NOT_FOUND'));
		await expect(client.delete(ID, { ifMatch: '"1"' })).resolves.toBeUndefined();
	});

	it('a delete throws SESSION_NOT_FOUND when its first response is a 404', async () => {
		const { client } = clientOf(refusal(404, 'SESSION_NOT_FOUND'));
		await expect(client.delete(ID, { ifMatch: '"1"' })).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' });
	});

	it('a 401 leaves the outcome of a write unknown', async () => {
		const { client } = clientOf('cut', refusal(401, 'UNAUTHORIZED'));
		await expect(client.append(ID, { type: 'note' })).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
	});
});

describe('the timeout', () => {
	it('ends an attempt without a response, and the last error says so', async () => {
		const { client, sent } = clientOf(silence, silence);
		const call = client.get(ID, { timeoutMs: 20, maxRetries: 1 });
		await expect(call).rejects.toMatchObject({ code: 'TIMEOUT', status: 0 });
		expect(sent.map(({ signal }) => signal.aborted)).toEqual([true, true]);
	});

	it('ends an attempt even when fetch ignores its signal', async () => {
		const { client } = clientOf(() => new Promise<Response>(() => {}));
		const call = client.get(ID, { timeoutMs: 20, maxRetries: 0 });
		await expect(call).rejects.toMatchObject({ code: 'TIMEOUT' });
	});

	it('includes the time to read the body', async () => {
		const endless: Reply = ({ signal }) =>
			new Response(
				new ReadableStream({
					start(controller) {
						controller.enqueue(new TextEncoder().encode('{'));
						signal.addEventListener('abort', () => controller.error(signal.reason));
					},
				}),
			);
		const { client } = clientOf(endless);
		const call = client.get(ID, { timeoutMs: 20, maxRetries: 0 });
		await expect(call).rejects.toMatchObject({ code: 'TIMEOUT' });
	});
});

describe('an abort signal', () => {
	const reason = new Error('The user left.');

	it('has one listener, however many calls use it, and none after them', async () => {
		const { client, sent } = clientOf(...Array.from({ length: 40 }, () => silence));
		const leaving = new AbortController();
		const { signal } = leaving;
		const listeners = new Set<unknown>();
		let most = 0;
		const { addEventListener, removeEventListener } = signal;
		signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
			listeners.add(args[1]);
			most = Math.max(most, listeners.size);
			addEventListener.apply(signal, args);
		};
		signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
			listeners.delete(args[1]);
			removeEventListener.apply(signal, args);
		};
		const calls = Array.from({ length: 20 }, () =>
			client.get(ID, { signal, timeoutMs: 20, maxRetries: 0 }).catch(({ code }) => code),
		);
		await until(() => expect(sent).toHaveLength(20));
		expect(await Promise.all(calls)).toEqual(Array.from({ length: 20 }, () => 'TIMEOUT'));
		expect(most).toBe(1);
		expect(listeners.size).toBe(0);
		const late = Array.from({ length: 20 }, () => client.get(ID, { signal }).catch((error) => error));
		await until(() => expect(sent).toHaveLength(40));
		leaving.abort(reason);
		expect(await Promise.all(late)).toEqual(Array.from({ length: 20 }, () => reason));
	});

	it('ends a pending request with its reason', async () => {
		const { client, sent } = clientOf(silence);
		const leaving = new AbortController();
		const call = client.get(ID, { signal: leaving.signal });
		await until(() => expect(sent).toHaveLength(1));
		leaving.abort(reason);
		await expect(call).rejects.toBe(reason);
	});

	it('ends a pending write with its reason, although the outcome is unknown', async () => {
		const { client, sent } = clientOf(silence);
		const leaving = new AbortController();
		const call = client.update(ID, { status: 'failed' }, { signal: leaving.signal });
		await until(() => expect(sent).toHaveLength(1));
		leaving.abort(reason);
		await expect(call).rejects.toBe(reason);
	});

	it('ends the delay before a retry with its reason', async () => {
		const { client, sent } = clientOf(refusal(429, 'RATE_LIMITED', { 'Retry-After': '60' }));
		const leaving = new AbortController();
		const call = client.get(ID, { signal: leaving.signal });
		await until(() => expect(sent).toHaveLength(1));
		leaving.abort(reason);
		await expect(call).rejects.toBe(reason);
	});

	it('sends nothing when it has already aborted', async () => {
		const { client, sent } = clientOf();
		await expect(client.get(ID, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
		expect(sent).toEqual([]);
	});
});
