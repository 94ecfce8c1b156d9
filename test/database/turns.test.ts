import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { pause } from '../../src/core/pause.ts';
import { LOOK_UPS_AT_ONCE, TRIPS_AT_ONCE, takeTurn } from '../../src/database/turns.ts';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { followSession, liveService } from '../support/follow.ts';
import { FIVE } from '../support/several-databases.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

/** A D1 binding that holds its trips until it is opened, and knows how many it holds. */
function heldD1(real: D1Database) {
	const held = { d1: real, isHeld: false, trips: 0, most: 0 };
	held.d1 = wrappedD1(real, async (_, work) => {
		held.trips += 1;
		held.most = Math.max(held.most, held.trips);
		await vi.waitUntil(() => !held.isHeld, { timeout: 20_000, interval: 5 });
		const results = await work();
		held.trips -= 1;
		return results;
	});
	return held;
}

/** Waits until what a call leaves to do after its response is done, such as the note of a key's last use. */
async function settled(caller: Caller, held: { trips: number }): Promise<void> {
	await caller.call('GET', SESSIONS);
	await vi.waitFor(() => expect(held.trips).toBe(0));
}

describe('the trips of a caller', () => {
	it('take turns: eight are under way at once, and all are carried out', async () => {
		const held = heldD1(env.DB);
		const fetcher = liveService({ DB: held.d1 });
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		await settled(caller, held);
		held.isHeld = true;
		held.most = 0;
		const calls = Array.from({ length: 40 }, () => caller.append(id));
		await vi.waitFor(() => expect(held.trips).toBe(TRIPS_AT_ONCE));
		const other = await newCaller({ fetcher: liveService() });
		await other.create();
		held.isHeld = false;
		await Promise.all(calls);
		expect(held.most).toBe(TRIPS_AT_ONCE);
		expect((await caller.details(id)).events.length).toBe(40);
	});

	it('of its streams are two at once, and do not keep its calls', async () => {
		const held = heldD1(env.DB);
		const fetcher = liveService({ DB: held.d1 });
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		await settled(caller, held);
		held.isHeld = true;
		const opening = Array.from({ length: 10 }, () => followSession(caller, id, { fetcher }));
		await vi.waitFor(() => expect(held.trips).toBe(LOOK_UPS_AT_ONCE));
		const call = caller.append(id);
		await vi.waitFor(() => expect(held.trips).toBe(LOOK_UPS_AT_ONCE + 1));
		held.isHeld = false;
		await call;
		for (const stream of await Promise.all(opening)) {
			expect((await stream.events(1)).length).toBe(1);
			await stream.leave();
		}
	});

	it('do not keep those of another caller, or those to another database', async () => {
		const held = heldD1(env.DB);
		const fetcher = liveService({ ...FIVE, DB: held.d1 });
		const [caller, other] = [await newCaller({ fetcher }), await newCaller({ fetcher })];
		const { id } = await caller.create();
		const theirs = await other.create();
		await settled(caller, held);
		await settled(other, held);
		held.isHeld = true;
		const calls = Array.from({ length: 12 }, () => caller.append(id));
		await vi.waitFor(() => expect(held.trips).toBe(TRIPS_AT_ONCE));
		const another = other.append(theirs.id);
		await vi.waitFor(() => expect(held.trips).toBe(TRIPS_AT_ONCE + 1));
		const elsewhere = id.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
		expect((await caller.call('GET', `${SESSIONS}/${elsewhere}`)).status).toBe(404);
		held.isHeld = false;
		await Promise.all([...calls, another]);
	});
});

describe('a turn', () => {
	it('that nobody ends is over after its time', async () => {
		for (let n = 0; n < TRIPS_AT_ONCE; n += 1) await takeTurn('a', TRIPS_AT_ONCE, 100);
		const end = await takeTurn('a', TRIPS_AT_ONCE, 5000);
		end();
	});

	it('is given up when the time is over', async () => {
		for (let n = 0; n < TRIPS_AT_ONCE; n += 1) await takeTurn('b', TRIPS_AT_ONCE, 60_000);
		await expect(takeTurn('b', TRIPS_AT_ONCE, 50)).rejects.toThrow('timed out before it began');
	});

	it('comes in the order of the requests, and one that begins again waits behind the others', async () => {
		const order: string[] = [];
		const ends: (() => void)[] = [];
		for (let n = 0; n < TRIPS_AT_ONCE; n += 1) ends.push(await takeTurn('c', TRIPS_AT_ONCE, 60_000));
		const wait = async (name: string) => {
			ends.push(await takeTurn('c', TRIPS_AT_ONCE, 60_000));
			order.push(name);
		};
		const names = Array.from({ length: 20 }, (_, n) => `request ${n}`);
		const waiting = names.map(wait);
		while (order.length < names.length) {
			ends.shift()?.();
			await pause(1);
		}
		await Promise.all(waiting);
		expect(order).toEqual(names);
		for (const end of ends) end();
	});

	it('is not kept by a request that was cancelled while it waited', async () => {
		const ends: (() => void)[] = [];
		for (let n = 0; n < TRIPS_AT_ONCE; n += 1) ends.push(await takeTurn('d', TRIPS_AT_ONCE, 60_000));
		// A cancelled request gets no timer any more.
		const timer = vi.spyOn(globalThis, 'setTimeout').mockReturnValue(0 as never);
		for (let n = 0; n < 3; n += 1) void takeTurn('d', TRIPS_AT_ONCE, 60_000);
		timer.mockRestore();
		for (const end of ends) end();
		const began = Date.now();
		for (let n = 0; n < TRIPS_AT_ONCE; n += 1) (await takeTurn('d', TRIPS_AT_ONCE, 60_000))();
		expect(Date.now() - began).toBeLessThan(60_000);
	});
});
