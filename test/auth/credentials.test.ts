import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { expireApiKey, revokeApiKey } from '../../src/auth/store.ts';
import { openDatabase } from '../../src/database/database.ts';
import { newKey, ORIGIN, SESSIONS, send } from '../support/api.ts';
import { faultyD1, serviceWith } from '../support/faulty-d1.ts';

const withAuthorization = (value: string) => send(SESSIONS, { headers: { Authorization: value } });
const db = openDatabase(env.DB);
const past = '2020-01-01T00:00:00.000Z';

describe('the Authorization header', () => {
	it.each([
		['Bearer', (key: string) => `Bearer ${key}`],
		['bearer', (key: string) => `bearer ${key}`],
		['BEARER', (key: string) => `BEARER ${key}`],
		['Bearer with more than one space', (key: string) => `Bearer   ${key}`],
		['no scheme', (key: string) => key],
	])('accepts a key after %s', async (_, header) => {
		const { key } = await newKey();
		expect((await withAuthorization(header(key))).status).toBe(200);
	});

	it.each([
		['missing', undefined],
		['empty', ''],
		['blank', '  '],
	])('gets a 401 that asks for credentials when it is %s', async (_, value) => {
		const { status, json, headers } = await send(
			SESSIONS,
			value === undefined ? {} : { headers: { Authorization: value } },
		);
		expect([status, json.code]).toEqual([401, 'UNAUTHORIZED']);
		// RFC 6750, 3.1: the challenge has no error code when the request has no credentials.
		expect(headers.get('WWW-Authenticate')).toBe('Bearer realm="product-generation-sessions"');
	});

	it.each([
		['Basic', (key: string) => `Basic ${btoa(`${key}:`)}`],
		['Basic with the bare key', (key: string) => `Basic ${key}`],
		['Bearer alone', () => 'Bearer'],
		['Bearer with one more word', (key: string) => `Bearer ${key} x`],
		['a word before Bearer', (key: string) => `x Bearer ${key}`],
		['Bearer twice', (key: string) => `Bearer Bearer ${key}`],
		['two keys', (key: string) => `${key}, ${key}`],
		['Bearer and a colon', (key: string) => `Bearer: ${key}`],
		['Token', (key: string) => `Token ${key}`],
		['quotes', (key: string) => `Bearer "${key}"`],
		['a key with a typo', (key: string) => `Bearer ${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`],
		['a key in capitals', (key: string) => `Bearer ${key.toUpperCase()}`],
		['half a key', (key: string) => `Bearer ${key.slice(0, 40)}`],
		['a JWT without Bearer', () => 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln'],
		['something of 15,000 characters', () => `Bearer rt_live_${'0'.repeat(15_000)}`],
	])('gets a 401 with %s', async (_, header) => {
		const { key } = await newKey();
		const { status, json, headers, text } = await withAuthorization(header(key));
		expect([status, json.code]).toEqual([401, 'UNAUTHORIZED']);
		expect(headers.get('WWW-Authenticate')).toBe(
			'Bearer realm="product-generation-sessions", error="invalid_token"',
		);
		expect(text).not.toContain(key.slice(0, 20));
	});

	it('gets the same response for an unknown, a revoked and an expired key', async () => {
		const revoked = await newKey();
		await revokeApiKey(db, revoked.row.id, past);
		const expired = await newKey({ expiresAt: past });
		const rotated = await newKey();
		await expireApiKey(db, rotated.row.id, past);
		const unknown = await newKey();
		await env.DB.prepare('DELETE FROM api_keys WHERE id = ?').bind(unknown.row.id).run();
		const answers = [];
		for (const { key } of [unknown, revoked, expired, rotated]) {
			const { status, json, headers } = await withAuthorization(`Bearer ${key}`);
			answers.push({
				status,
				body: { ...json, requestId: '' },
				headers: [...headers].filter(([name]) => !/^(date|x-request-id)$/.test(name)),
			});
		}
		expect(answers[0]).toMatchObject({ status: 401, body: { code: 'UNAUTHORIZED' } });
		for (const answer of answers) expect(answer).toEqual(answers[0]);
	});

	it('costs no round trip to D1 when the key contains a typo', async () => {
		const faulty = faultyD1();
		const fetcher = serviceWith({ DB: faulty.d1 });
		const { key } = await newKey();
		const typo = key.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
		for (const text of [typo, 'rt_live_', 'rt_test_1234', `${key}0`]) {
			const request = new Request(ORIGIN + SESSIONS, { headers: { Authorization: text } });
			expect((await fetcher(request)).status).toBe(401);
		}
		expect(faulty.trips).toBe(0);
	});

	it('is required on every path and method of the API, even on unknown ones', async () => {
		const paths = ['', '/', '/sess_x', '/sess_x/', '/sess_x/events', '/a/b/c', '//', '/sess_x%2Fevents'];
		for (const path of paths) {
			for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
				const { status } = await send(SESSIONS + path, { method });
				expect([method, path, status]).toEqual([method, path, 401]);
			}
		}
	});
});
