import { describe, expect, it } from 'vitest';
import { newCaller, ORIGIN, SESSIONS } from '../support/api.ts';
import { faultyD1, serviceWith } from '../support/faulty-d1.ts';

const APP = 'https://app.example';
const open = serviceWith({ CORS_ORIGINS: `${APP}, https://admin.example/` });
const anyOrigin = serviceWith({ CORS_ORIGINS: '*' });
const closed = serviceWith({ CORS_ORIGINS: '' });

const preflight = (path: string, origin: string) =>
	new Request(ORIGIN + path, {
		method: 'OPTIONS',
		headers: { Origin: origin, 'Access-Control-Request-Method': 'PATCH' },
	});
const listOf = (headers: Headers, name: string) => (headers.get(name) ?? '').split(',').sort();
const corsHeaders = (headers: Headers) =>
	[...headers.keys()].filter((name) => name.startsWith('access-control-'));

describe('a preflight', () => {
	it.each([SESSIONS, `${SESSIONS}/sess_01k2vxq8f3e7ttyyds0t6w2h4b`, `${SESSIONS}/x/events`])(
		'of %s returns 204 without credentials, with all headers that a client needs',
		async (path) => {
			const response = await open(preflight(path, APP));
			expect([response.status, await response.text()]).toEqual([204, '']);
			expect(response.headers.get('Access-Control-Allow-Origin')).toBe(APP);
			expect(listOf(response.headers, 'Access-Control-Allow-Methods')).toEqual([
				'DELETE',
				'GET',
				'HEAD',
				'PATCH',
				'POST',
			]);
			expect(listOf(response.headers, 'Access-Control-Allow-Headers')).toEqual([
				'Authorization',
				'Content-Type',
				'Idempotency-Key',
				'If-Match',
				'If-None-Match',
				'Last-Event-ID',
				'MCP-Protocol-Version',
				'Mcp-Method',
				'Mcp-Name',
				'X-D1-Bookmark',
				'X-Request-Id',
				'X-User-Agent',
			]);
			expect(Number(response.headers.get('Access-Control-Max-Age'))).toBeGreaterThan(0);
			expect(response.headers.get('X-Request-Id')).toBeTruthy();
		},
	);

	it('from another origin gets no CORS headers', async () => {
		for (const origin of ['https://evil.example', `${APP}.evil.example`, 'http://app.example', 'null']) {
			const { headers } = await open(preflight(SESSIONS, origin));
			expect([origin, headers.get('Access-Control-Allow-Origin')]).toEqual([origin, null]);
			expect(headers.get('Vary')).toMatch(/\bOrigin\b/);
		}
	});

	it('returns 405 when no origins are configured', async () => {
		const { key } = await newCaller();
		const request = preflight(SESSIONS, APP);
		const anonymous = await closed(request);
		expect([anonymous.status, corsHeaders(anonymous.headers)]).toEqual([401, []]);
		request.headers.set('Authorization', key);
		const authenticated = await closed(request);
		expect([authenticated.status, authenticated.headers.get('Allow')]).toEqual([405, 'GET, HEAD, POST']);
		expect(corsHeaders(authenticated.headers)).toEqual([]);
	});
});

describe('a response', () => {
	const ask = async (fetcher: typeof open, origin?: string) => {
		const caller = await newCaller({ fetcher });
		return caller.call('GET', SESSIONS, origin === undefined ? {} : { headers: { Origin: origin } });
	};

	it('allows a configured origin, and lists the headers that the page may read', async () => {
		for (const origin of [APP, 'https://admin.example']) {
			const { headers } = await ask(open, origin);
			expect(headers.get('Access-Control-Allow-Origin')).toBe(origin);
			expect(listOf(headers, 'Access-Control-Expose-Headers')).toEqual([
				'Allow',
				'ETag',
				'Idempotency-Replayed',
				'Link',
				'Retry-After',
				'WWW-Authenticate',
				'X-D1-Bookmark',
				'X-Request-Id',
			]);
		}
	});

	it('has Vary: Origin and allows no origin when the request’s origin is missing or not configured', async () => {
		for (const origin of ['https://evil.example', undefined]) {
			const { headers } = await ask(open, origin);
			expect(headers.get('Access-Control-Allow-Origin')).toBeNull();
			expect(headers.get('Vary')).toBe('Origin');
		}
	});

	it('is allowed from every origin when * is configured', async () => {
		const { headers } = await ask(anyOrigin, 'https://anyone.example');
		expect([headers.get('Access-Control-Allow-Origin'), headers.get('Vary')]).toEqual(['*', null]);
	});

	it('never allows cookies', async () => {
		for (const fetcher of [open, anyOrigin]) {
			expect((await ask(fetcher, APP)).headers.get('Access-Control-Allow-Credentials')).toBeNull();
			const { headers } = await fetcher(preflight(SESSIONS, APP));
			expect(headers.get('Access-Control-Allow-Credentials')).toBeNull();
		}
	});

	it('has no CORS headers when no origins are configured', async () => {
		const { headers } = await ask(closed, APP);
		expect([corsHeaders(headers), headers.get('Vary')]).toEqual([[], null]);
	});

	it('can be read by the page when it is an error response', async () => {
		const { key } = await newCaller();
		const faulty = faultyD1();
		faulty.next = [{ message: 'D1_ERROR: near "x": syntax error', when: 'before' }];
		const origins = { CORS_ORIGINS: APP };
		const errors = [
			[401, serviceWith(origins), ''],
			[404, serviceWith(origins), key, '/x'],
			[429, serviceWith({ ...origins, RATE_LIMITER: { limit: async () => ({ success: false }) } }), key],
			[500, serviceWith({ ...origins, DB: faulty.d1, KEY_CACHE_SECONDS: '0' }), key],
		] as const;
		for (const [status, fetcher, authorization, path = ''] of errors) {
			const response = await fetcher(
				new Request(ORIGIN + SESSIONS + path, { headers: { Origin: APP, Authorization: authorization } }),
			);
			const { headers } = response;
			expect([response.status, headers.get('Access-Control-Allow-Origin')]).toEqual([status, APP]);
			expect(headers.get('Vary')).toBe('Origin');
			expect(headers.get('Access-Control-Expose-Headers')).toContain('Retry-After');
		}
	});
});
