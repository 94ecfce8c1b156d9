import { describe, expect, it } from 'vitest';
import { newCaller, SESSIONS } from '../support/api.ts';
import { serviceWith } from '../support/faulty-d1.ts';

const MERGE = { 'Content-Type': 'application/merge-patch+json' };
const JSON_TYPE = { 'Content-Type': 'application/json' };
const secondsBetween = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1000;

describe('ttlSeconds', () => {
	it('of a create sets the time until the expiry, and is not a field of the session', async () => {
		const caller = await newCaller();
		for (const ttlSeconds of [60, 3600, 2_592_000]) {
			const session = await caller.create({ ttlSeconds });
			expect(secondsBetween(session.createdAt, session.expiresAt)).toBe(ttlSeconds);
			expect(Object.keys(session)).toHaveLength(14);
		}
		const session = await caller.create();
		expect(secondsBetween(session.createdAt, session.expiresAt)).toBe(604_800);
	});

	it.each([
		['application/json', JSON_TYPE],
		['application/merge-patch+json', MERGE],
	])(
		'of an update as %s sets the time until the expiry anew, and changes the version',
		async (_, headers) => {
			const caller = await newCaller();
			const { id } = await caller.create();
			const before = new Date().toISOString();
			const { json, headers: answered } = await caller.call('PATCH', `${SESSIONS}/${id}`, {
				body: { ttlSeconds: 60, plan: { a: 1 } },
				headers,
			});
			const left = secondsBetween(before, String(json.expiresAt));
			expect(left >= 60 && left < 120).toBe(true);
			expect([json.plan, answered.get('ETag')]).toEqual([{ a: 1 }, '"2"']);
			const alone = await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { ttlSeconds: 7200 }, headers });
			expect(secondsBetween(before, String(alone.json.expiresAt))).toBeGreaterThanOrEqual(7200);
			expect(alone.headers.get('ETag')).toBe('"3"');
			expect((await caller.details(id)).expiresAt).toBe(alone.json.expiresAt);
		},
	);

	it.each(['59', '0', '-60', '2592001', '60.5', '"60"', 'null', '{}', '1e400'])(
		'cannot be %s',
		async (value) => {
			const caller = await newCaller();
			const session = await caller.create();
			const path = `${SESSIONS}/${session.id}`;
			const raw = `{"ttlSeconds":${value}}`;
			const calls = [
				['POST', SESSIONS, JSON_TYPE],
				['PATCH', path, JSON_TYPE],
				['PATCH', path, MERGE],
			] as const;
			for (const [method, url, headers] of calls) {
				const { status, json } = await caller.call(method, url, { raw, headers });
				expect([status, json]).toMatchObject([
					400,
					{ code: 'VALIDATION_ERROR', details: [{ path: 'ttlSeconds' }] },
				]);
			}
			expect((await caller.details(session.id)).expiresAt).toBe(session.expiresAt);
		},
	);

	it('is bounded by the setting', async () => {
		const caller = await newCaller({ fetcher: serviceWith({ SESSION_TTL_MAX_SECONDS: '100' }) });
		expect((await caller.call('POST', SESSIONS, { body: { ttlSeconds: 100 } })).status).toBe(201);
		expect((await caller.call('POST', SESSIONS, { body: { ttlSeconds: 101 } })).status).toBe(400);
	});

	it('is part of the request that an Idempotency-Key identifies, and a retry returns the first expiry', async () => {
		const caller = await newCaller();
		const create = (ttlSeconds?: number) =>
			caller.call('POST', SESSIONS, { body: { ttlSeconds }, headers: { 'Idempotency-Key': 'k' } });
		const first = await create(3600);
		await caller.call('PATCH', `${SESSIONS}/${first.json.id}`, { body: { ttlSeconds: 60 } });
		expect((await create(3600)).text).toBe(first.text);
		expect((await create(3601)).status).toBe(422);
		expect((await create()).status).toBe(422);
	});
});
