import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
	type Attempt,
	type ClientOptions,
	createClient,
	etagOf,
	SESSIONS_PATH,
	version,
} from '../../src/client/client.ts';
import { json, type Reply, refusal, scriptedFetch, silence, succeeding } from '../support/scripted-fetch.ts';
import { end, event, opening, stream } from '../support/scripted-stream.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
const clientOf = (replies: Reply[], options: Partial<ClientOptions> = {}) => {
	const { fetch, sent } = scriptedFetch(...replies);
	const client = createClient({ baseUrl: 'https://api.test', token: 'rt_test_secret', fetch, ...options });
	return { client, sent };
};
const idsOf = (sent: { headers: Headers }[]) => sent.map(({ headers }) => headers.get('X-Request-Id'));

beforeEach(() => {
	vi.spyOn(Math, 'random').mockReturnValue(0);
});

describe('withResponse', () => {
	it('gives the data with the response and what its headers say', async () => {
		const headers = {
			ETag: '"7"',
			'X-Request-Id': 'request-7',
			'Idempotency-Replayed': 'true',
			'X-D1-Bookmark': '0001',
		};
		const { client, sent } = clientOf([succeeding({}, headers)]);
		const { data, response, text, ...rest } = await client
			.step(ID, { events: [{ type: 'note' }] })
			.withResponse();
		expect(data.session.id).toBe(ID);
		expect(rest).toEqual({ etag: '"7"', requestId: 'request-7', isReplay: true, bookmark: '0001' });
		expect(response.status).toBe(201);
		expect(response.headers.get('Content-Type')).toContain('json');
		expect(JSON.parse(text)).toEqual(data);
		expect(sent).toHaveLength(1);
		expect(etagOf(data.session)).toBe('"7"');
	});

	it('gives undefined for headers that are missing, and is on every call', async () => {
		const { client } = clientOf(Array.from({ length: 11 }, () => succeeding()));
		const calls = [
			client.create(),
			client.get(ID),
			client.list(),
			client.update(ID, {}),
			client.merge(ID, {}),
			client.append(ID, { type: 'note' }),
			client.events(ID),
			client.createKey(ID),
			client.revokeKey(ID, 'key_1'),
			client.delete(ID),
			client.request('GET', '/healthz'),
		];
		for (const call of calls) {
			expect(await call.withResponse()).toMatchObject({
				etag: undefined,
				isReplay: false,
				bookmark: undefined,
			});
		}
	});

	it('gives the text of the response, with all digits of its numbers', async () => {
		const text = `{"id":"${ID}","status":"intake","plan":{"big":9007199254740993}}`;
		const { client } = clientOf([new Response(text)]);
		expect((await client.get(ID).withResponse()).text).toBe(text);
	});

	it('throws the error of the call, once', async () => {
		const uncaught = vi.fn();
		process.on('unhandledRejection', uncaught);
		const { client } = clientOf([refusal(403, 'FORBIDDEN'), refusal(403, 'FORBIDDEN')]);
		await expect(client.get(ID).withResponse()).rejects.toMatchObject({ code: 'FORBIDDEN' });
		await expect(client.list().withResponse()).rejects.toMatchObject({ code: 'FORBIDDEN' });
		await new Promise((resolve) => setTimeout(resolve, 20));
		process.off('unhandledRejection', uncaught);
		expect(uncaught).not.toHaveBeenCalled();
	});
});

describe('request', () => {
	it('makes a call that the client does not know, with its token and query', async () => {
		const { client, sent } = clientOf([json({ data: [] })]);
		const query = { limit: 5, before: undefined, all: true };
		expect(await client.request('GET', `${SESSIONS_PATH}/${ID}/versions`, { query })).toEqual({ data: [] });
		expect(sent[0]?.url.href).toBe(`https://api.test${SESSIONS_PATH}/${ID}/versions?limit=5&all=true`);
		expect(sent[0]?.headers.get('Authorization')).toBe('Bearer rt_test_secret');
		expect(sent[0]?.headers.has('Content-Type')).toBe(false);
	});

	it('sends a value as JSON, or a text as it is', async () => {
		const bodies: unknown[] = [];
		const client = createClient({
			baseUrl: 'https://api.test',
			token: 't',
			async fetch(_, { body, headers }) {
				bodies.push(body, headers['content-type']);
				return json({ ok: true });
			},
		});
		await client.request('POST', '/v1/webhooks', { body: { url: 'https://a.test' } });
		const contentType = 'application/merge-patch+json';
		await client.request('PATCH', `${SESSIONS_PATH}/${ID}`, { bodyText: '{"plan":{"x":1.0}}', contentType });
		expect(bodies).toEqual([
			'{"url":"https://a.test"}',
			'application/json',
			'{"plan":{"x":1.0}}',
			'application/merge-patch+json',
		]);
	});

	it('is retried when it reads, deletes, or has a key or a condition', async () => {
		const ok = () => json({ ok: true });
		for (const [method, options] of [
			['GET', {}],
			['DELETE', {}],
			['POST', { idempotencyKey: 'job-1' }],
			['PATCH', { ifMatch: '"7"' }],
		] as const) {
			const { client, sent } = clientOf(['cut', ok]);
			await client.request(method, '/v1/x', options);
			expect(sent).toHaveLength(2);
		}
		for (const method of ['POST', 'PUT', 'PATCH'] as const) {
			const { client, sent } = clientOf(['cut']);
			await expect(client.request(method, '/v1/x')).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
			expect(sent).toHaveLength(1);
		}
	});

	it('returns null for a response without a body', async () => {
		const { client } = clientOf([new Response(null, { status: 204 })]);
		expect(await client.request('DELETE', '/v1/webhooks/1')).toBeNull();
	});
});

describe('headers', () => {
	it('of the client are sent with every request, and those of a call take precedence', async () => {
		const replies = [succeeding(), succeeding(), stream([opening, end], 'ends')];
		const { client, sent } = clientOf(replies, {
			headers: { 'X-Tenant': 'a', 'X-Team': 'b', 'X-None': undefined },
		});
		await client.get(ID);
		await client.append(ID, { type: 'note' }, { headers: { 'x-tenant': 'c' } });
		await client.follow(ID, { headers: { 'X-Team': 'd' } }).next();
		expect(sent.map(({ headers }) => [headers.get('X-Tenant'), headers.get('X-Team')])).toEqual([
			['a', 'b'],
			['c', 'b'],
			['a', 'd'],
		]);
		expect(sent.map(({ headers }) => headers.has('X-None'))).toEqual([false, false, false]);
	});

	it('name the client, its version and the retry', async () => {
		const { client, sent } = clientOf(['cut', 'cut', succeeding()]);
		await client.get(ID);
		expect(sent.map(({ headers }) => headers.get('User-Agent'))).toEqual(
			[0, 1, 2].map((retry) => `product-generation-sessions-client/${version} (retry ${retry})`),
		);
	});

	it('name it in a header that a page may choose', async () => {
		vi.stubGlobal('document', {});
		const { client, sent } = clientOf([succeeding()]);
		await client.get(ID);
		vi.unstubAllGlobals();
		expect(sent[0]?.headers.get('X-User-Agent')).toContain(version);
		expect(sent[0]?.headers.has('User-Agent')).toBe(false);
	});

	it('hold an id of each attempt, which the service accepts and the error of a timeout names', async () => {
		const { client, sent } = clientOf([silence, silence, succeeding()]);
		const failure = await client.get(ID, { timeoutMs: 20, maxRetries: 1 }).catch((error) => error);
		await client.get(ID);
		const ids = idsOf(sent);
		expect(new Set(ids).size).toBe(3);
		for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9._-]{1,128}$/);
		expect(failure).toMatchObject({ code: 'TIMEOUT', requestId: ids[1] });
	});

	it('may hold the caller’s own request id', async () => {
		const { client, sent } = clientOf([succeeding()]);
		await client.get(ID, { headers: { 'X-Request-Id': 'trace-7' } });
		expect(idsOf(sent)).toEqual(['trace-7']);
	});
});

describe('onAttempt and the logger', () => {
	it('are told of each attempt, and of nothing that is secret', async () => {
		const attempts: Attempt[] = [];
		const lines: [level: string, message: string, details: Attempt][] = [];
		const logger = {
			debug: (message: string, details: Attempt) => void lines.push(['debug', message, details]),
			warn: (message: string, details: Attempt) => void lines.push(['warn', message, details]),
		};
		const { client, sent } = clientOf(
			['cut', refusal(429, 'RATE_LIMITED', { 'Retry-After': '0' }), succeeding()],
			{ onAttempt: (attempt) => attempts.push(attempt), logger },
		);
		await client.append(ID, { type: 'note', payload: { secret: 'rt_test_secret' } });
		const url = `https://api.test${SESSIONS_PATH}/${ID}/events`;
		const [first, second, third] = idsOf(sent);
		expect(attempts).toMatchObject([
			{ method: 'POST', url, requestId: first, retry: 0, status: 0, error: { code: 'NETWORK_ERROR' } },
			{ method: 'POST', url, requestId: second, retry: 1, status: 429, error: { code: 'RATE_LIMITED' } },
			{ method: 'POST', url, requestId: third, retry: 2, status: 201, error: undefined },
		]);
		expect(lines.map(([level]) => level)).toEqual(['warn', 'warn', 'debug']);
		expect(lines.map(([, , details]) => details)).toEqual(attempts);
		expect(lines[2]?.[1]).toMatch(/^POST .* 201 in \d+ ms$/);
		expect(JSON.stringify([attempts, lines])).not.toContain('rt_test_secret');
	});

	it('are told of each opening of a stream', async () => {
		const attempts: Attempt[] = [];
		const { client } = clientOf(
			[stream([opening, event(1)], 'ends'), 'cut', stream([opening, end], 'ends')],
			{ onAttempt: (attempt) => attempts.push(attempt) },
		);
		for await (const _ of client.follow(ID));
		expect(attempts.map(({ retry, status }) => [retry, status])).toEqual([
			[0, 200],
			[1, 0],
			[2, 200],
		]);
	});

	it('do not change the outcome of a call when they throw, and their errors are not hidden', async () => {
		const uncaught: unknown[] = [];
		const listener = (error: unknown) => uncaught.push(error);
		vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => {
			try {
				task();
			} catch (error) {
				listener(error);
			}
		});
		const reason = new Error('a bug');
		const onAttempt = () => {
			throw reason;
		};
		const { client } = clientOf([succeeding()], { onAttempt });
		expect((await client.get(ID)).id).toBe(ID);
		expect(uncaught).toEqual([reason]);
	});
});
