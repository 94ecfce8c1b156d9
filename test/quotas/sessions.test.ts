import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Bindings } from '../../src/core/settings.ts';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { expire, sessionsOf } from '../support/database.ts';
import { faultyD1, serviceWith } from '../support/faulty-d1.ts';
import { meteredD1 } from '../support/metered-d1.ts';

const callerWithQuota = (quota: number, more: Partial<Bindings> = {}): Promise<Caller> =>
	newCaller({ fetcher: serviceWith({ MAX_SESSIONS_PER_CALLER: String(quota), ...more }) });

const create = (caller: Caller, key?: string, body: object = {}) =>
	caller.call('POST', SESSIONS, { body, headers: key === undefined ? {} : { 'Idempotency-Key': key } });

describe('MAX_SESSIONS_PER_CALLER', () => {
	it('lets a caller have as many live sessions and no more', async () => {
		const caller = await callerWithQuota(3);
		for (const key of [undefined, 'a', undefined]) expect((await create(caller, key)).status).toBe(201);
		for (const key of [undefined, 'b']) {
			const { status, json } = await create(caller, key);
			expect([status, json]).toMatchObject([
				403,
				{
					code: 'QUOTA_EXCEEDED',
					error: expect.stringContaining('3 live sessions (MAX_SESSIONS_PER_CALLER)'),
				},
			]);
		}
		expect(await sessionsOf(caller.userId)).toBe(3);
	});

	it('counts each caller alone, and no session that has expired or was deleted', async () => {
		const caller = await callerWithQuota(2);
		const [first, second] = [await caller.create(), await caller.create()];
		expect((await create(caller)).status).toBe(403);
		expect((await create(await callerWithQuota(2))).status).toBe(201);
		await expire(first.id);
		expect((await create(caller)).status).toBe(201);
		expect((await create(caller)).status).toBe(403);
		await caller.call('DELETE', `${SESSIONS}/${second.id}`);
		expect((await create(caller)).status).toBe(201);
	});

	it('cannot be passed by creates at the same time', async () => {
		const caller = await callerWithQuota(4);
		const answers = await Promise.all(
			Array.from({ length: 20 }, (_, n) => create(caller, n % 2 === 0 ? `k${n}` : undefined)),
		);
		expect(answers.filter(({ status }) => status === 201).length).toBe(4);
		expect(await sessionsOf(caller.userId)).toBe(4);
	});

	it('does not keep a retry from the session that it has made', async () => {
		const caller = await callerWithQuota(1);
		const first = await create(caller, 'k');
		const again = await create(caller, 'k');
		expect([again.status, again.json, again.headers.get('Idempotency-Replayed')]).toEqual([
			201,
			first.json,
			'true',
		]);
		expect((await create(caller, 'k', { prd: {} })).status).toBe(422);
	});

	it.each([undefined, 'k'])('lets the last session survive a lost response, with the key %s', async (key) => {
		const faulty = faultyD1();
		const caller = await callerWithQuota(1, { DB: faulty.d1 });
		await caller.call('GET', SESSIONS);
		faulty.next = [{ message: 'D1_ERROR: Network connection lost.', when: 'after' }];
		expect((await create(caller, key)).status).toBe(201);
		expect(await sessionsOf(caller.userId)).toBe(1);
	});

	it('reads at most as many index entries as it allows, and nothing where it is not set', async () => {
		const meter = meteredD1(env.DB);
		const unlimited = await newCaller({ fetcher: serviceWith({ DB: meter.d1 }) });
		const limited = await newCaller({
			userId: unlimited.userId,
			fetcher: serviceWith({ DB: meter.d1, MAX_SESSIONS_PER_CALLER: '20' }),
		});
		for (let n = 0; n < 50; n += 1) await create(unlimited);
		const readBy = async (caller: Caller) => {
			await caller.call('GET', `${SESSIONS}?limit=1`);
			meter.reset();
			await create(caller);
			return [meter.trips, meter.rowsRead];
		};
		const [trips, rowsRead = 0] = await readBy(unlimited);
		expect(trips).toBe(1);
		const [tripsLimited, rowsReadLimited = 0] = await readBy(limited);
		expect(tripsLimited).toBe(1);
		expect(rowsReadLimited - rowsRead).toBeLessThanOrEqual(21);
	});
});
