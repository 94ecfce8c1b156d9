import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Caller, callerWith, newCaller, newKey, ORIGIN, SESSIONS, send } from '../support/api.ts';
import { faultyD1, serviceWith } from '../support/faulty-d1.ts';
import { newSigningKey, signToken } from '../support/tokens.ts';

const ABSENT = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';

/** Everything that was written to the console. */
let lines: string[];
/** The errors that were written as they are. */
let errors: Error[];
beforeEach(() => {
	lines = [];
	errors = [];
	for (const level of ['debug', 'log', 'info', 'warn', 'error'] as const) {
		vi.spyOn(console, level).mockImplementation((...parts) => {
			lines.push(parts.map((part) => (part instanceof Error ? part.stack : String(part))).join(' '));
			errors.push(...parts.filter((part) => part instanceof Error));
		});
	}
});
afterEach(() => vi.restoreAllMocks());

const parsed = () =>
	lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);
const requests = () => parsed().filter(({ message }) => message === 'request');

describe('the request log', () => {
	it('has one line for each request with its caller, call, outcome and cost', async () => {
		const { key, row } = await newKey({ organizationId: 'org_1' });
		const caller = callerWith(key, { userId: row.user_id, organizationId: 'org_1' });
		await caller.call('GET', SESSIONS, { headers: { 'X-Request-Id': 'my.request' } });
		expect(parsed()).toEqual([
			{
				level: 'info',
				message: 'request',
				requestId: 'my.request',
				method: 'GET',
				route: SESSIONS,
				status: 200,
				durationMs: expect.any(Number),
				d1Trips: 2,
				d1Ms: expect.any(Number),
				d1RowsRead: expect.any(Number),
				d1RowsWritten: 0,
				userId: row.user_id,
				organizationId: 'org_1',
				keyId: row.id,
				version: env.VERSION?.id.slice(0, 8),
			},
		]);
	});

	it('has at most 400 bytes for each call, with ids as long as those of Clerk', async () => {
		const caller = await newCaller({
			userId: `user_${'2'.repeat(27)}`,
			organizationId: `org_${'2'.repeat(27)}`,
		});
		const { id } = await caller.create();
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: {} } });
		await caller.append(id);
		await caller.details(id);
		await caller.call('GET', `${SESSIONS}/${id}/events`);
		await caller.call('GET', SESSIONS);
		await caller.call('DELETE', `${SESSIONS}/${id}`);
		const sizes = lines.filter((line) => line.includes('"message":"request"')).map(({ length }) => length);
		expect(sizes).toHaveLength(7);
		expect(Math.max(...sizes)).toBeLessThanOrEqual(400);
	});

	it('counts one round trip when the key is cached', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: {} } });
		expect(requests().map(({ d1Trips }) => d1Trips)).toEqual([2, 1]);
	});

	it.each([
		['GET', SESSIONS, SESSIONS],
		['POST', SESSIONS, SESSIONS],
		['PUT', SESSIONS, `${SESSIONS}/*`],
		['GET', `${SESSIONS}/${ABSENT}`, `${SESSIONS}/:id`],
		['PATCH', `${SESSIONS}/${ABSENT}`, `${SESSIONS}/:id`],
		['DELETE', `${SESSIONS}/secret-id?secret=1`, `${SESSIONS}/:id`],
		['PUT', `${SESSIONS}/secret-id`, `${SESSIONS}/*`],
		['OPTIONS', `${SESSIONS}/secret-id`, `${SESSIONS}/*`],
		['HEAD', `${SESSIONS}/secret-id`, `${SESSIONS}/:id`],
		['GET', `${SESSIONS}/secret-id/events`, `${SESSIONS}/:id/events`],
		['POST', `${SESSIONS}/secret-id/events`, `${SESSIONS}/:id/events`],
		['PUT', `${SESSIONS}/secret-id/events`, `${SESSIONS}/*`],
		['GET', `${SESSIONS}/secret-id/other/secret`, `${SESSIONS}/*`],
		['GET', '/secret', '/*'],
		['GET', '/v1/secret-id', '/*'],
	])('names the route pattern of %s %s, whoever the caller is', async (method, path, route) => {
		const caller = await newCaller();
		await caller.call(method, path, method === 'POST' || method === 'PATCH' ? { body: {} } : {});
		await send(path, { method });
		await callerWith('rt_live_secret', caller).call(method, path);
		expect(requests().map((line) => line.route)).toEqual([route, route, route]);
		expect(lines.join()).not.toContain('secret');
	});

	it('names the user as soon as the caller is authenticated, even when the call is rejected', async () => {
		const { key, row } = await newKey({ permissions: ['PRODUCTS:READ'] });
		await send(SESSIONS);
		await callerWith(key, { userId: '', organizationId: null }).call('POST', SESSIONS, { body: {} });
		expect(requests()).toMatchObject([
			{ status: 401, userId: null, organizationId: null, keyId: null },
			{ status: 403, userId: row.user_id, organizationId: null, keyId: row.id },
		]);
	});

	it('replaces a request id that could forge a line', async () => {
		await send('/', { headers: { 'X-Request-Id': 'a","level":"error' } });
		expect(requests()[0]?.requestId).toMatch(/^[0-9a-f-]{36}$/);
	});
});

describe('a log line', () => {
	const SECRET = 'sesame-open';
	const body = { prd: { [SECRET]: SECRET } };

	/** Calls with every kind of outcome, each with secrets in every place where a caller can put one. */
	async function callAround(caller: Caller, failing: Caller): Promise<number[]> {
		const headers = {
			'Idempotency-Key': SECRET,
			'If-Match': `"${SECRET}"`,
			Cookie: SECRET,
			'X-D1-Bookmark': SECRET,
		};
		const { id } = await caller.create(body);
		const json = { 'Content-Type': 'application/json' };
		const answers = [
			await caller.call('POST', SESSIONS, { body, headers: { 'Idempotency-Key': SECRET } }),
			await caller.call('PATCH', `${SESSIONS}/${id}`, { body, headers }),
			await caller.call('POST', SESSIONS, { raw: `{"${SECRET}`, headers: { ...headers, ...json } }),
			await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { status: SECRET }, headers }),
			await caller.call('GET', `${SESSIONS}?status=${SECRET}&${SECRET}=1`),
			await caller.call('GET', `${SESSIONS}/${SECRET}`),
			await caller.call('GET', `/${SECRET}`),
			await caller.call('POST', `${SESSIONS}/${id}/events`, { body: { type: SECRET, message: SECRET } }),
			await callerWith(`${caller.key.slice(0, -1)}x`, caller).call('GET', SESSIONS),
			await callerWith(`${SECRET}.${SECRET}.${SECRET}`, caller).call('GET', SESSIONS),
			await failing.call('POST', SESSIONS, { body }),
		];
		return answers.map(({ status }) => status);
	}

	it('contains no key, token, body, query or header value, whatever the outcome', async () => {
		const faulty = faultyD1();
		const caller = await newCaller();
		const failing = await newCaller({ fetcher: serviceWith({ DB: faulty.d1 }) });
		await failing.call('PUT', SESSIONS);
		faulty.next = [{ message: 'D1_ERROR: near "x": syntax error', when: 'before' }];
		const statuses = await callAround(caller, failing);
		expect(statuses).toEqual([201, 412, 400, 400, 200, 404, 404, 201, 401, 401, 500]);
		const text = lines.join('\n');
		expect(text).not.toContain(SECRET);
		for (const { key } of [caller, failing]) expect(text).not.toContain(key.slice(8, -1));
		expect(parsed().filter(({ level }) => level === 'error')).toHaveLength(1);
	});

	it('of a 500 has the cause and the request id of the response', async () => {
		const faulty = faultyD1();
		const caller = await newCaller({ fetcher: serviceWith({ DB: faulty.d1 }) });
		faulty.next = [{ message: 'D1_ERROR: near "x": syntax error', when: 'before' }];
		const { json } = await caller.call('GET', SESSIONS);
		expect(parsed()).toMatchObject([
			{
				level: 'error',
				code: 'INTERNAL_ERROR',
				requestId: json.requestId,
				error: expect.stringContaining('syntax error'),
			},
			{ level: 'info', message: 'request', requestId: json.requestId, status: 500 },
		]);
		// A stack within a line of JSON would name the minified script.
		expect(parsed()[0]).not.toHaveProperty('stack');
		expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('syntax error') })]);
	});

	it('contains no part of a session token, valid or not', async () => {
		const key = await newSigningKey();
		const now = Math.floor(Date.now() / 1000);
		const claims = { exp: now + 60, iat: now, nbf: now, email: SECRET };
		const fetcher = serviceWith({ CLERK_JWT_KEY: key.pem, CLERK_ISSUER: '', CLERK_AUTHORIZED_PARTIES: '' });
		const tokens = [
			await signToken(key, claims),
			await signToken(key, { ...claims, exp: 1 }),
			await signToken(key, claims, { crit: [SECRET], [SECRET]: 1 }),
		];
		for (const token of tokens) {
			await fetcher(new Request(ORIGIN + SESSIONS, { headers: { Authorization: `Bearer ${token}` } }));
			for (const part of token.split('.')) expect(lines.join()).not.toContain(part);
		}
		expect(requests().map(({ status, userId }) => [status, userId])).toEqual([
			[200, 'user_1'],
			[401, null],
			[401, null],
		]);
		expect(lines.join()).not.toContain(SECRET);
	});
});
