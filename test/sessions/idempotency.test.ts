import { describe, expect, it } from 'vitest';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { countRows, expire } from '../support/database.ts';

const create = (caller: Caller, key: string, body: unknown = {}) =>
	caller.call('POST', SESSIONS, { body, headers: { 'Idempotency-Key': key } });

describe('Idempotency-Key on create', () => {
	it('creates one session, and returns the original response to a retry', async () => {
		const caller = await newCaller();
		const body = { prd: { b: 1, a: 2 }, catalogVersion: 'c' };
		const first = await create(caller, 'k', body);
		const again = await create(caller, 'k', body);
		expect([first.status, again.status, again.text]).toEqual([201, 201, first.text]);
		expect(again.headers.get('ETag')).toBe(first.headers.get('ETag'));
		expect([first, again].map(({ headers }) => headers.get('Idempotency-Replayed'))).toEqual([null, 'true']);
		expect(await countRows('sessions', 'user_id = ?', caller.userId)).toBe(1);
	});

	it('returns the original response even when the session has changed since', async () => {
		const caller = await newCaller();
		const first = await create(caller, 'k', { prd: { a: 1 } });
		await caller.call('PATCH', `${SESSIONS}/${first.json.id}`, {
			body: { prd: { z: 1 }, plan: {}, productObject: {}, assemblyState: {}, status: 'failed' },
		});
		expect((await create(caller, 'k', { prd: { a: 1 } })).text).toBe(first.text);
	});

	it('returns 422 for the same key with another body', async () => {
		const caller = await newCaller();
		await create(caller, 'k', { prd: { a: 1 } });
		const { status, json } = await create(caller, 'k', { prd: { a: 2 } });
		expect([status, json.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
		expect(await countRows('sessions', 'user_id = ?', caller.userId)).toBe(1);
	});

	it('treats a body with other white space as the same, and a missing body as {}', async () => {
		const caller = await newCaller();
		const first = await create(caller, 'k', {});
		const again = await caller.call('POST', SESSIONS, { headers: { 'Idempotency-Key': 'k' } });
		expect(again.json.id).toBe(first.json.id);
		const spaced = await caller.call('POST', SESSIONS, {
			raw: '{ "prd" : null }'.replace('"prd" : null', ' '),
			headers: { 'Idempotency-Key': 'k', 'Content-Type': 'application/json' },
		});
		expect(spaced.json.id).toBe(first.json.id);
	});

	it('belongs to the caller: another user, or the same user in another organization, has separate keys', async () => {
		const caller = await newCaller();
		const inOrganization = await newCaller({ userId: caller.userId, organizationId: 'org_1' });
		const stranger = await newCaller();
		const ids = await Promise.all(
			[caller, inOrganization, stranger].map(async (each) => (await create(each, 'k')).json.id),
		);
		expect(new Set(ids).size).toBe(3);
		expect((await create(inOrganization, 'k')).headers.get('Idempotency-Replayed')).toBe('true');
	});

	it('lasts as long as the session: after its expiry or deletion the key creates a new one', async () => {
		const caller = await newCaller();
		const first = await create(caller, 'k');
		await expire(String(first.json.id));
		const second = await create(caller, 'k', { catalogVersion: 'other' });
		expect([second.status, second.headers.get('Idempotency-Replayed')]).toEqual([201, null]);
		expect(second.json.id).not.toBe(first.json.id);
		await caller.call('DELETE', `${SESSIONS}/${second.json.id}`);
		expect((await create(caller, 'k')).headers.get('Idempotency-Replayed')).toBeNull();
	});

	it('creates one session for 40 concurrent retries', async () => {
		const caller = await newCaller();
		const answers = await Promise.all(
			Array.from({ length: 40 }, () => create(caller, 'k', { prd: { a: 1 } })),
		);
		expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
		expect(answers.filter(({ headers }) => headers.has('Idempotency-Replayed'))).toHaveLength(39);
		expect(await countRows('sessions', 'user_id = ?', caller.userId)).toBe(1);
	});

	it.each(['', 'x'.repeat(256), 'a b', 'é'])('returns 400 for the key %j', async (key) => {
		const caller = await newCaller();
		const { status, json } = await create(caller, key);
		expect([status, json]).toMatchObject([
			400,
			{ code: 'VALIDATION_ERROR', details: [{ path: 'Idempotency-Key' }] },
		]);
	});

	it('may have up to 255 visible characters', async () => {
		const caller = await newCaller();
		expect((await create(caller, `!${'~'.repeat(254)}`)).status).toBe(201);
	});
});
