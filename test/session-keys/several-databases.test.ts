import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { findApiKey, revokeApiKey } from '../../src/auth/store.ts';
import { sha256Hex } from '../../src/core/sha256.ts';
import { openDatabase } from '../../src/database/database.ts';
import type { SessionKey } from '../../src/session-keys/schema.ts';
import { callerWith, newCaller, newKey, SESSIONS } from '../support/api.ts';
import { expire } from '../support/database.ts';
import { meteredD1 } from '../support/metered-d1.ts';
import { FIVE, near } from '../support/several-databases.ts';

/** A caller near a database, with a session there, and a guest in another place who has a key for that session. */
async function holder(number: number) {
	const caller = await newCaller({ fetcher: near(number) });
	const { id } = await caller.create();
	const path = `${SESSIONS}/${id}`;
	const { status, json: made } = await caller.call<SessionKey>('POST', `${path}/keys`);
	expect(status).toBe(201);
	return { caller, id, path, made, guest: callerWith(made.key, caller, near(4)) };
}

describe.each([0, 3])('a key for one session in database %i', (number) => {
	it('reads that session from anywhere, and nothing else', async () => {
		const { caller, id, path, guest } = await holder(number);
		const event = await caller.append(id);
		expect((await guest.call('GET', path)).json).toEqual(await caller.details(id));
		expect((await guest.call('GET', `${path}/events`)).json).toEqual({ data: [event], hasMore: false });
		const other = await caller.create();
		expect((await guest.call('GET', `${SESSIONS}/${other.id}`)).status).toBe(404);
		for (const [method, to] of [
			['GET', SESSIONS],
			['POST', SESSIONS],
			['DELETE', path],
			['POST', `${path}/keys`],
		] as const) {
			expect((await guest.call(method, to)).status, `${method} ${to}`).toBe(403);
		}
	});

	it('appends the types on its list from anywhere, and no others', async () => {
		const { caller, id, path } = await holder(number);
		const made = await caller.call<SessionKey>('POST', `${path}/keys`, { body: { append: ['input.*'] } });
		const guest = callerWith(made.json.key, caller, near(4));
		const append = (type: string) => guest.call('POST', `${path}/events`, { body: { type } });
		expect([(await append('input.approved')).status, (await append('plan.ready')).status]).toEqual([
			201, 403,
		]);
		expect((await caller.details(id)).events.map(({ type }) => type)).toEqual(['input.approved']);
	});

	it('expires with the session at the latest, and reads nothing when the session is deleted', async () => {
		const { caller, id, path, guest } = await holder(number);
		const end = new Date(Date.now() + 600_000).toISOString();
		await expire(id, end);
		expect((await caller.call<SessionKey>('POST', `${path}/keys`)).json.expiresAt).toBe(end);
		await guest.call('GET', path);
		await caller.call('DELETE', path);
		expect((await guest.call('GET', path)).status).toBe(404);
		expect((await caller.call('POST', `${path}/keys`)).status).toBe(404);
	});

	it('can be revoked through its own session only, by its owner only', async () => {
		const { caller, id, path, made, guest } = await holder(number);
		const revoke = (from: string, by = caller) => by.call('DELETE', `${SESSIONS}/${from}/keys/${made.id}`);
		const other = await newCaller({ fetcher: near(number) });
		expect((await revoke((await caller.create()).id)).json.code).toBe('NOT_FOUND');
		expect((await revoke(id, other)).json.code).toBe('SESSION_NOT_FOUND');
		expect((await revoke(id)).json).toEqual({ success: true });
		expect((await revoke(id)).json).toEqual({ success: true });
		const fresh = { ...FIVE, KEY_CACHE_SECONDS: '0' };
		expect((await callerWith(made.key, caller, near(1, fresh)).call('GET', path)).status).toBe(401);
		expect((await guest.call('GET', path)).status).toBe(401);
	});

	it('ends with its maker', async () => {
		const caller = await newCaller({ fetcher: near(number) });
		const { id } = await caller.create();
		const path = `${SESSIONS}/${id}`;
		const { key, row } = await newKey({ userId: caller.userId });
		const made = await callerWith(key, caller, near(2)).call<SessionKey>('POST', `${path}/keys`);
		const guest = callerWith(made.json.key, caller, near(4, { ...FIVE, KEY_CACHE_SECONDS: '0' }));
		expect((await guest.call('GET', path)).status).toBe(200);
		await revokeApiKey(openDatabase(env.DB), row.id, new Date().toISOString());
		expect((await guest.call('GET', path)).status).toBe(401);
	});

	it('is refused when the session has 100', async () => {
		const caller = await newCaller({ fetcher: near(number) });
		const { id } = await caller.create();
		const make = async () => (await caller.call('POST', `${SESSIONS}/${id}/keys`)).status;
		const statuses = await Promise.all(Array.from({ length: 103 }, make));
		expect(statuses.filter((status) => status === 201)).toHaveLength(100);
		expect(statuses.filter((status) => status === 403)).toHaveLength(3);
	});

	it('is found with its session, its owner and the permission to read', async () => {
		const { caller, id, made } = await holder(number);
		const row = await findApiKey(openDatabase(env.DB), await sha256Hex(made.key));
		expect(row).toMatchObject({ session_id: id, permissions: 'PRODUCTS:READ', user_id: caller.userId });
	});
});

it.each([
	[0, [2, 0]],
	[1, [1, 1]],
])(
	'takes two trips to make for a session of database %i: one to its database and one to DB',
	async (number, trips) => {
		const [main, other] = [meteredD1(env.DB), meteredD1(env.FURTHER_1)];
		const bindings = { ...FIVE, DB: main.d1, DB_1: other.d1 };
		const caller = await newCaller({ fetcher: near(number, bindings) });
		const { id } = await caller.create();
		await caller.call('GET', SESSIONS);
		main.reset();
		other.reset();
		await caller.call('POST', `${SESSIONS}/${id}/keys`);
		expect([main.trips, other.trips]).toEqual(trips);
	},
);
