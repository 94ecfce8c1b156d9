import { describe, expect, it } from 'vitest';
import { newCaller, SESSIONS } from './support/api.ts';

describe('every path', () => {
	it.each([
		['PUT', SESSIONS, 'GET, HEAD, POST'],
		['DELETE', SESSIONS, 'GET, HEAD, POST'],
		['POST', `${SESSIONS}/sess_01k2vxq8f3e7ttyyds0t6w2h4b`, 'GET, HEAD, PATCH, DELETE'],
		['PATCH', `${SESSIONS}/sess_01k2vxq8f3e7ttyyds0t6w2h4b/events`, 'GET, HEAD, POST'],
	])('%s %s returns 405 with the allowed methods in Allow', async (method, path, allow) => {
		const caller = await newCaller();
		const { status, json, headers } = await caller.call(method, path);
		expect([status, json.code, headers.get('Allow')]).toEqual([405, 'METHOD_NOT_ALLOWED', allow]);
	});

	it('returns 404 at other paths', async () => {
		const caller = await newCaller();
		for (const path of ['/v1', '/v2/products', `${SESSIONS}/a/b/c`, '/v1/products/generation/session']) {
			const { status, json } = await caller.call('GET', path);
			expect([path, status, json.code]).toEqual([path, 404, 'NOT_FOUND']);
		}
	});

	it('accepts a trailing slash', async () => {
		const caller = await newCaller();
		expect((await caller.call('GET', `${SESSIONS}/`)).status).toBe(200);
	});

	it('responds to HEAD like to GET, without the body', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { status, text, headers } = await caller.call('HEAD', `${SESSIONS}/${id}`);
		expect([status, text, headers.get('ETag')]).toEqual([200, '', '"1"']);
	});

	it('sends security headers and a request id with each response, the caller’s own id if it is valid', async () => {
		const caller = await newCaller();
		for (const sent of ['my.id_1-2', 'x'.repeat(128)]) {
			const { headers } = await caller.call('GET', SESSIONS, { headers: { 'X-Request-Id': sent } });
			expect(headers.get('X-Request-Id')).toBe(sent);
			expect(headers.get('Cache-Control')).toBe('no-store');
			expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
		}
		for (const sent of ['', 'a b', 'x'.repeat(129), 'a/b']) {
			const { headers, json } = await caller.call('GET', '/nowhere', { headers: { 'X-Request-Id': sent } });
			expect(headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
			expect(json.requestId).toBe(headers.get('X-Request-Id'));
		}
	});

	it('returns a bookmark that a later read can send back', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { headers } = await caller.call('GET', `${SESSIONS}/${id}`);
		const bookmark = headers.get('X-D1-Bookmark') ?? '';
		expect(bookmark).toMatch(/^[0-9a-f-]{59}$/);
		for (const sent of [bookmark, 'nonsense', 'first-unconstrained', 'f'.repeat(59)]) {
			expect(
				(await caller.call('GET', `${SESSIONS}/${id}`, { headers: { 'X-D1-Bookmark': sent } })).status,
			).toBe(200);
		}
	});
});
