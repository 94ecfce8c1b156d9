import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { databaseNumberOf } from '../../src/core/session-id.ts';
import type { Bindings } from '../../src/core/settings.ts';
import { type Caller, callerWith, newCaller, SESSIONS } from '../support/api.ts';
import { d1s, expire, query } from '../support/database.ts';
import { faultyD1 } from '../support/faulty-d1.ts';
import { FIVE, near, PLACES } from '../support/several-databases.ts';

const create = (caller: Caller, key: string, body: unknown = {}) =>
	caller.call('POST', SESSIONS, { body, headers: { 'Idempotency-Key': key } });
const as = (caller: Caller, number: number, bindings: Partial<Bindings> = FIVE) =>
	callerWith(caller.key, caller, near(number, bindings));

/** Returns how many sessions a user has in all databases together. */
async function sessionsOf(userId: string): Promise<number> {
	const rows = await Promise.all(
		d1s.map((d1) => d1.prepare('SELECT id FROM sessions WHERE user_id = ?').bind(userId).all()),
	);
	return rows.flatMap(({ results }) => results).length;
}

describe('Idempotency-Key on create, with several databases', () => {
	it('creates one session near the first request, and replays it on every continent', async () => {
		const caller = await newCaller({ fetcher: near(3) });
		const first = await create(caller, 'k', { prd: { a: 1 } });
		expect(databaseNumberOf(String(first.json.id))).toBe(3);
		for (const number of PLACES.keys()) {
			const again = await create(as(caller, number), 'k', { prd: { a: 1 } });
			expect([again.status, again.text]).toEqual([201, first.text]);
			expect(again.headers.get('Idempotency-Replayed')).toBe('true');
		}
		expect((await create(as(caller, 0), 'k', { prd: { a: 2 } })).status).toBe(422);
		expect(await sessionsOf(caller.userId)).toBe(1);
	});

	it('creates one session for requests from all continents at once', async () => {
		for (let n = 0; n < 10; n += 1) {
			const caller = await newCaller({ fetcher: near(0) });
			const answers = await Promise.all(
				[0, 1, 2, 3, 4, 4, 3, 2, 1, 0].map((number) => create(as(caller, number), 'k')),
			);
			expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
			const replayed = answers.filter(({ headers }) => headers.has('Idempotency-Replayed'));
			expect([answers[0]?.status, replayed.length]).toEqual([201, 9]);
			expect(await sessionsOf(caller.userId)).toBe(1);
		}
	});

	it('replays a session after PLACEMENT has changed, and one from before the other databases were bound', async () => {
		const caller = await newCaller({ fetcher: near(1) });
		const first = await create(caller, 'k');
		const moved = { ...FIVE, PLACEMENT: 'DB_4=weur,enam' };
		expect((await create(as(caller, 1, moved), 'k')).text).toBe(first.text);

		const alone = callerWith(caller.key, caller);
		const early = await create(alone, 'early');
		expect(databaseNumberOf(String(early.json.id))).toBe(0);
		expect((await create(as(caller, 4), 'early')).text).toBe(early.text);
		expect(await sessionsOf(caller.userId)).toBe(2);
	});

	it('creates the session on a retry, in the database of the first request, which failed', async () => {
		const faulty = faultyD1(env.FURTHER_2);
		const caller = await newCaller({ fetcher: near(2, { ...FIVE, DB_2: faulty.d1 }) });
		faulty.next = Array.from({ length: 3 }, () => ({
			message: 'D1_ERROR: Network connection lost.',
			when: 'before' as const,
		}));
		expect((await create(caller, 'k')).status).toBe(503);
		const again = await create(as(caller, 4), 'k');
		expect([again.status, again.headers.get('Idempotency-Replayed')]).toEqual([201, null]);
		expect(databaseNumberOf(String(again.json.id))).toBe(2);
		expect(await sessionsOf(caller.userId)).toBe(1);
	});

	it('can be used again when its session is deleted, has expired, or is in a database that is no longer bound', async () => {
		const caller = await newCaller({ fetcher: near(1) });
		const deleted = await create(caller, 'k');
		await caller.call('DELETE', `${SESSIONS}/${deleted.json.id}`);
		const second = await create(as(caller, 3), 'k');
		expect([second.status, second.headers.get('Idempotency-Replayed')]).toEqual([201, null]);
		expect(second.json.id).not.toBe(deleted.json.id);
		await expire(String(second.json.id));
		const third = await create(as(caller, 3), 'k', { prd: {} });
		expect(third.status).toBe(201);
		const removed = { ...FIVE, DB_1: undefined, PLACEMENT: 'DB=enam DB_3=apac' };
		const fourth = await create(as(caller, 3, removed), 'k');
		expect(databaseNumberOf(String(fourth.json.id))).toBe(3);
	});

	it('belongs to one owner', async () => {
		const fetcher = near(2);
		const caller = await newCaller({ fetcher });
		const inside = await newCaller({ fetcher, userId: caller.userId, organizationId: 'org_1' });
		const answers = [await create(caller, 'k'), await create(inside, 'k')];
		expect(answers.map(({ headers }) => headers.has('Idempotency-Replayed'))).toEqual([false, false]);
		expect(new Set(answers.map(({ json }) => json.id)).size).toBe(2);
	});

	it('takes a further trip to DB, and stores no note if no other database is bound', async () => {
		const [main, other] = [faultyD1(env.DB), faultyD1(env.FURTHER_1)];
		const caller = await newCaller({ fetcher: near(1, { ...FIVE, DB: main.d1, DB_1: other.d1 }) });
		await caller.call('GET', SESSIONS);
		Object.assign(main, { trips: 0 });
		Object.assign(other, { trips: 0 });
		await create(caller, 'k');
		expect([main.trips, other.trips]).toEqual([1, 1]);
		await caller.create();
		expect([main.trips, other.trips]).toEqual([1, 2]);
		const alone = await newCaller();
		await create(alone, 'k');
		const rows = await query('SELECT 1 FROM create_keys WHERE user_id = ?', alone.userId);
		expect(rows).toEqual([]);
	});
});
