import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { newApiKey } from '../../src/auth/api-key-format.ts';
import { MAX_HELD_BY_LARGE } from '../../src/core/held-bytes.ts';
import { pause } from '../../src/core/pause.ts';
import { callerKey } from '../../src/core/principal.ts';
import {
	LOOK_UPS_AT_ONCE,
	REST_FROM_MS,
	TRIPS_AT_ONCE,
	takeTurn,
	WORK_AT_ONCE_MS,
} from '../../src/core/turns.ts';
import { type Caller, callerWith, newCaller, SESSIONS } from '../support/api.ts';
import { countRows } from '../support/database.ts';
import { followSession, liveService } from '../support/follow.ts';
import { FIVE } from '../support/several-databases.ts';
import { until } from '../support/until.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

/** A D1 binding that holds its trips until it is opened, knows how many it holds, and reports the same duration for each trip. */
function heldD1(real: D1Database, durationOfTrip = 0.6) {
	const held = { d1: real, isHeld: false, trips: 0, most: 0 };
	held.d1 = wrappedD1(real, async (_, work) => {
		held.trips += 1;
		held.most = Math.max(held.most, held.trips);
		await vi.waitUntil(() => !held.isHeld, { timeout: 240_000, interval: 5 });
		const results = await work();
		held.trips -= 1;
		const duration = durationOfTrip / results.length;
		return results.map((result) => ({ ...result, meta: { ...result.meta, duration } }));
	});
	return held;
}

/** Waits until what a call leaves to do after its response is done, such as the note of a key's last use. */
async function settled(caller: Caller, held: { trips: number }): Promise<void> {
	await caller.call('GET', SESSIONS);
	await until(() => expect(held.trips).toBe(0));
}

/** A caller with a session, whose trips are held from now on. */
async function holding(durationOfTrip?: number) {
	const held = heldD1(env.DB, durationOfTrip);
	const fetcher = liveService({ DB: held.d1 });
	const caller = await newCaller({ fetcher });
	const { id } = await caller.create();
	await settled(caller, held);
	held.isHeld = true;
	held.most = 0;
	return { held, fetcher, caller, id };
}

describe('the trips of a caller', () => {
	it('take turns: eight are under way at once, and all are carried out', async () => {
		const { held, caller, id } = await holding();
		const calls = Array.from({ length: 40 }, () => caller.append(id));
		await until(() => expect(held.trips).toBe(TRIPS_AT_ONCE));
		const other = await newCaller({ fetcher: liveService() });
		await other.create();
		held.isHeld = false;
		await Promise.all(calls);
		expect(held.most).toBe(TRIPS_AT_ONCE);
		expect((await caller.details(id)).events.length).toBe(40);
	});

	it('are fewer at once if they keep D1 busy for longer', async () => {
		const { held, caller, id } = await holding(0.28 * WORK_AT_ONCE_MS);
		const calls = Array.from({ length: 12 }, () => caller.append(id));
		await until(() => expect(held.trips).toBe(3));
		held.isHeld = false;
		await Promise.all(calls);
		expect(held.most).toBe(3);
	});

	it('are fewer at once if they send much, whatever the earlier ones did', async () => {
		const { held, caller, id } = await holding();
		const large = { text: 'x'.repeat(390_000) };
		const body = { prd: large, plan: large };
		const calls = Array.from({ length: 12 }, () => caller.call('PATCH', `${SESSIONS}/${id}`, { body }));
		await until(() => expect(held.trips).toBe(2));
		held.isHeld = false;
		await Promise.all(calls);
		expect(held.most).toBe(2);
	});

	it('of its streams are two at once, and do not keep its calls', async () => {
		const { held, caller, id, fetcher } = await holding();
		const opening = Array.from({ length: 10 }, () => followSession(caller, id, { fetcher }));
		await until(() => expect(held.trips).toBe(LOOK_UPS_AT_ONCE));
		const call = caller.append(id);
		await until(() => expect(held.trips).toBe(LOOK_UPS_AT_ONCE + 1));
		held.isHeld = false;
		await call;
		for (const stream of await Promise.all(opening)) {
			expect((await stream.events(1)).length).toBe(1);
			await stream.leave();
		}
	});

	it('are eight at once where each request looks up its key, and where the limit of the caller is over', async () => {
		const held = heldD1(env.DB);
		const RATE_LIMITER: RateLimit = { limit: async () => ({ success: !held.isHeld }) };
		const fetcher = liveService({ DB: held.d1, KEY_CACHE_SECONDS: '0', RATE_LIMITER });
		const caller = await newCaller({ fetcher });
		await settled(caller, held);
		await settled(caller, held);
		held.isHeld = true;
		held.most = 0;
		const calls = Array.from({ length: 40 }, () => caller.call('GET', SESSIONS));
		await until(() => expect(held.trips).toBe(TRIPS_AT_ONCE));
		await pause(100);
		held.isHeld = false;
		for (const { status } of await Promise.all(calls)) expect([200, 429]).toContain(status);
		expect(held.most).toBe(TRIPS_AT_ONCE);
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
		await until(() => expect(held.trips).toBe(TRIPS_AT_ONCE));
		const another = other.append(theirs.id);
		await until(() => expect(held.trips).toBe(TRIPS_AT_ONCE + 1));
		const elsewhere = id.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
		expect((await caller.call('GET', `${SESSIONS}/${elsewhere}`)).status).toBe(404);
		held.isHeld = false;
		await Promise.all([...calls, another]);
	});
});

describe('the look-ups of keys that the isolate does not know', () => {
	it('are a hundred at once of one network, and keep neither known keys nor other networks', async () => {
		const { held, fetcher, caller, id } = await holding();
		const guessFrom = async (address: string) => {
			const { key } = await newApiKey('live');
			const headers = { 'CF-Connecting-IP': address };
			return callerWith(key, caller, fetcher).call('GET', SESSIONS, { headers });
		};
		// No other test has these networks: the tests share an isolate, which remembers whose keys were rejected.
		const guesses = Array.from({ length: 130 }, () => guessFrom('2001:db8:79::1'));
		await vi.waitFor(() => expect(held.trips).toBe(100), { timeout: 60_000 });
		await pause(50);
		const others = [guessFrom('2001:db8:7a::1'), caller.details(id)];
		await vi.waitFor(() => expect(held.trips).toBe(102), { timeout: 60_000 });
		held.isHeld = false;
		expect((await Promise.all(guesses)).map(({ status }) => status)).toEqual(Array(130).fill(401));
		expect(held.most).toBe(102);
		await Promise.all(others);
	});
});

describe('a call whose turn does not come', () => {
	/** A caller with a session, whose trips wait for one with much work until it ends. */
	async function withoutTurn() {
		let came = 0;
		const RATE_LIMITER = {
			limit: async () => {
				came += 1;
				return { success: true };
			},
		};
		const caller = await newCaller({ fetcher: liveService({ RATE_LIMITER }) });
		const other = await newCaller();
		const [{ id }, theirs] = [await caller.create(), await other.create()];
		const key = callerKey({ userId: caller.userId, organizationId: null });
		const large = { caller: key, at: 'DB', kind: 'a call', atOnce: 1, leastWork: WORK_AT_ONCE_MS };
		const end = await takeTurn(large, 60_000);
		/** Waits until some further calls of the caller wait for their turn, and lets the time pass that they have for it. */
		const turnsAreOver = async (calls: number) => {
			await vi.waitUntil(() => came === calls + 1, { timeout: 60_000 });
			await pause(50);
			const { now } = Date;
			vi.spyOn(Date, 'now').mockImplementation(() => now() + 8000);
		};
		return { caller, id, end, turnsAreOver, otherAppends: () => other.append(theirs.id) };
	}

	it('is a 429 where those of its caller are carried out, and leaves the calls of another caller alone', async () => {
		const { caller, id, end, turnsAreOver, otherAppends } = await withoutTurn();
		const calls = Array.from({ length: 1000 }, () =>
			caller.call('POST', `${SESSIONS}/${id}/events`, { body: { type: 'note' } }),
		);
		await turnsAreOver(calls.length);
		end(0.3);
		await otherAppends();
		// Those that have come to wait only now are carried out: many of them on a slow machine.
		const refused = (await Promise.all(calls)).filter(({ status }) => status !== 201);
		expect(refused.length).toBeGreaterThan(0);
		for (const { status, json, headers } of refused) {
			expect([status, json.code]).toEqual([429, 'RATE_LIMITED']);
			expect(headers.get('Retry-After')).toBe('1');
		}
		expect(await countRows('events', 'session_id = ?', id)).toBe(calls.length - refused.length);
	});

	it('is a 503 where none of them has a result', async () => {
		const { caller, id, turnsAreOver } = await withoutTurn();
		const call = caller.call('GET', `${SESSIONS}/${id}`);
		await turnsAreOver(1);
		expect((await call).status).toBe(503);
	});

	it('is a 503 where it is for another try of a write, which may have taken effect', async () => {
		let large: Promise<EndTurn> | undefined;
		let trips = 0;
		const d1 = wrappedD1(env.DB, async (statements, work) => {
			if (!statements.some(({ sql }) => sql.includes('INSERT INTO events'))) return work();
			trips += 1;
			await work();
			// A large trip of the same caller comes between the tries.
			large = takeTurn(
				{ caller: caller.key, at: 'DB', kind: 'a call', atOnce: 1, leastWork: WORK_AT_ONCE_MS },
				60_000,
			);
			throw new Error('D1_ERROR: Network connection lost.');
		});
		const made = await newCaller({ fetcher: liveService({ DB: d1 }) });
		const caller = { key: callerKey({ userId: made.userId, organizationId: null }) };
		const { id } = await made.create();
		const headers = { 'Idempotency-Key': 'k' };
		const body = { type: 'note' };
		const call = made.call('POST', `${SESSIONS}/${id}/events`, { body, headers });
		await vi.waitUntil(() => large !== undefined, { timeout: 60_000 });
		const end = await (large as unknown as Promise<EndTurn>);
		// The next try comes within 50 ms.
		await pause(200);
		const { now } = Date;
		vi.spyOn(Date, 'now').mockImplementation(() => now() + 8000);
		end(0.3);
		expect((await call).status).toBe(503);
		expect(trips).toBe(1);
	});

	it('is a 429 at once when the calls that wait have sent as much as may wait', async () => {
		const { caller, id, end } = await withoutTurn();
		const body = { prd: { text: 'x'.repeat(390_000) }, plan: { text: 'x'.repeat(390_000) } };
		const most = Math.floor(MAX_HELD_BY_LARGE / 780_000);
		const statuses: number[] = [];
		const calls = Array.from({ length: most + 5 }, async () => {
			statuses.push((await caller.call('PATCH', `${SESSIONS}/${id}`, { body })).status);
		});
		await vi.waitUntil(() => statuses.length >= 4, { timeout: 60_000 });
		expect(statuses).toEqual(Array(statuses.length).fill(429));
		end(0.3);
		await Promise.all(calls);
		expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(most - 1);
	});
});

type EndTurn = Awaited<ReturnType<typeof takeTurn>>;

const trip = (caller: string) => ({
	caller,
	at: 'a database',
	kind: 'a test',
	atOnce: TRIPS_AT_ONCE,
	leastWork: 0,
	silent: () => new Error('Nothing ends.'),
});

/** How many of twelve trips begin before any of them ends. They are then ended with their work. */
async function begun(
	{ caller, ...rest }: { caller: string; atOnce?: number; leastWork?: number },
	work?: number,
) {
	const ends: EndTurn[] = [];
	const all = Array.from({ length: 12 }, async () => {
		ends.push(await takeTurn({ ...trip(caller), ...rest }, 60_000));
	});
	// The first may have to wait until its caller has rested.
	await until(() => expect(ends.length).toBeGreaterThan(0));
	await pause(10);
	const count = ends.length;
	for (let ended = 0; ended < all.length; await pause(1)) {
		for (; ended < ends.length; ended += 1) ends[ended]?.(work);
	}
	await Promise.all(all);
	return count;
}

/** Makes trips with some work known, one after another. */
async function know(name: string, works: readonly number[]): Promise<void> {
	for (const work of works) (await takeTurn(trip(name), 60_000))(work);
}

describe('the trips under way', () => {
	it('are four of a caller of whom nothing is known', async () => {
		expect(await begun({ caller: 'unknown' })).toBe(4);
	});

	it.each([
		[0, 8],
		[1, 8],
		[2, 5],
		[3, 3],
		[5, 2],
		[6, 1],
		[1000, 1],
	])('of which each is %d ms of work are %d', async (work, count) => {
		const caller = `work of ${work}`;
		await know(caller, [work, work]);
		expect(await begun({ caller }, work)).toBe(count);
	});

	it.each([
		['for as long as the last one was work', 20, 20],
		['for a tenth of a second at most', 2000, 100],
	])('rest %s', async (_, work, rest) => {
		const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now());
		const timers = vi.spyOn(globalThis, 'setTimeout');
		await know(`rests after ${work}`, [work, 0.3]);
		clock.mockRestore();
		expect(timers.mock.calls.filter(([, wait]) => wait === rest)).toHaveLength(1);
	});

	it('rest although the clock stands still', async () => {
		const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now());
		await know('stands still', [20, 20, 0.3]);
		clock.mockRestore();
	});

	it('rest no longer although the clock is set back', async () => {
		const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 600_000);
		await know('set back', [20]);
		clock.mockRestore();
		await know('set back', [0.3]);
	});

	it('rest after a large one of another kind, and not after one to another database', async () => {
		const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now());
		const timers = vi.spyOn(globalThis, 'setTimeout');
		const rests = () => timers.mock.calls.filter(([, wait]) => wait === 50).length;
		(await takeTurn({ ...trip('kinds'), kind: 'another' }, 60_000))(50);
		(await takeTurn({ ...trip('kinds'), at: 'another database' }, 60_000))(0.3);
		expect(rests()).toBe(0);
		(await takeTurn(trip('kinds'), 60_000))(0.3);
		expect(rests()).toBe(1);
		clock.mockRestore();
	});

	it('begin at once after one of little work, and after a large one of another caller', async () => {
		await know('rests', [50]);
		await know('works', [REST_FROM_MS]);
		const began = vi.fn();
		void takeTurn(trip('works'), 60_000).then(began);
		await Promise.resolve();
		await Promise.resolve();
		expect(began).toHaveBeenCalled();
	});

	it('are no more than may be, however small they are', async () => {
		await know('few', [0, 0]);
		expect(await begun({ caller: 'few', atOnce: 2 }, 0)).toBe(2);
	});

	it('are not fewer for a single large one', async () => {
		await know('accident', [0.3, 500, 0.3]);
		expect(await begun({ caller: 'accident' })).toBe(8);
	});

	it('stay few when many small ones follow large ones', async () => {
		await know('mixed', [9, 9, ...Array.from({ length: 200 }, () => 0.3)]);
		expect(await begun({ caller: 'mixed' })).toBe(1);
	});

	it('become more again when the large ones were ten seconds ago', async () => {
		const now = Date.now();
		const clock = vi.spyOn(Date, 'now').mockReturnValue(now);
		await know('later', [9, 9]);
		clock.mockReturnValue(now + 9_000);
		await know('later', [0.3, 0.3]);
		expect(await begun({ caller: 'later' }, 0.3)).toBe(1);
		clock.mockReturnValue(now + 10_001);
		await know('later', [0.3, 0.3]);
		expect(await begun({ caller: 'later' }, 0.3)).toBe(8);
		clock.mockRestore();
	});

	it('are fewer if they send much', async () => {
		await know('sends', [0.3, 0.3]);
		expect(await begun({ caller: 'sends', leastWork: 4 }, 0.3)).toBe(2);
	});

	it('do not pass one with much work that waits', async () => {
		await know('order', [0.3, 0.3]);
		const small = trip('order');
		const first = await takeTurn(small, 60_000);
		const order: string[] = [];
		const large = takeTurn({ ...small, leastWork: WORK_AT_ONCE_MS }, 60_000).then((end) => {
			order.push('large');
			end(0.3);
		});
		const later = takeTurn(small, 60_000).then((end) => {
			order.push('later');
			end(0.3);
		});
		await pause(10);
		expect(order).toEqual([]);
		first(0.3);
		await Promise.all([large, later]);
		expect(order).toEqual(['large', 'later']);
	});

	it('count as little known after they failed', async () => {
		await know('failing', [0.3, 0.3]);
		for (let n = 0; n < 2; n += 1) {
			(await takeTurn(trip('failing'), 60_000))(undefined);
		}
		expect(await begun({ caller: 'failing' })).toBe(4);
	});
});

describe('a turn', () => {
	it('that nobody ends is over after its time', async () => {
		await know('a', [0.3, 0.3]);
		for (let n = 0; n < TRIPS_AT_ONCE; n += 1) await takeTurn(trip('a'), 100);
		const end = await takeTurn(trip('a'), 60_000);
		end(0.3);
	});

	it('is given up when the time is over, as the fault of a caller whose trips end, and of the database where none ends', async () => {
		await know('b', [0.3, 0.3]);
		for (let n = 0; n < TRIPS_AT_ONCE; n += 1) await takeTurn(trip('b'), 60_000);
		const late = { code: 'RATE_LIMITED', headers: { 'Retry-After': '1' } };
		await expect(takeTurn(trip('b'), 50)).rejects.toMatchObject(late);
		const { silent: _, ...withoutDatabase } = trip('b');
		vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 2000);
		await expect(takeTurn(trip('b'), 0)).rejects.toThrow('Nothing ends');
		await expect(takeTurn(withoutDatabase, 0)).rejects.toMatchObject(late);
	});

	it('is not given to more bytes than may wait, and at once to those of another name', async () => {
		await know('holds', [0.3, 0.3]);
		const ends: EndTurn[] = [];
		for (let n = 0; n < TRIPS_AT_ONCE; n += 1) ends.push(await takeTurn(trip('holds'), 60_000));
		const waiting = takeTurn({ ...trip('holds'), bytes: MAX_HELD_BY_LARGE }, 60_000);
		const over = takeTurn({ ...trip('holds'), bytes: 100_000 }, 60_000);
		await expect(over).rejects.toMatchObject({ code: 'RATE_LIMITED' });
		(await takeTurn({ ...trip('not the same'), bytes: 100_000 }, 60_000))(0.3);
		for (const end of ends) end(0.3);
		(await waiting)(0.3);
	});

	it('comes in the order of the requests, and one that begins again waits behind the others', async () => {
		const order: string[] = [];
		const ends: EndTurn[] = [];
		await know('c', [0.3, 0.3]);
		for (let n = 0; n < TRIPS_AT_ONCE; n += 1) ends.push(await takeTurn(trip('c'), 60_000));
		const wait = async (name: string) => {
			ends.push(await takeTurn(trip('c'), 60_000));
			order.push(name);
		};
		const names = Array.from({ length: 20 }, (_, n) => `request ${n}`);
		const waiting = names.map(wait);
		while (order.length < names.length) {
			ends.shift()?.(0.3);
			await pause(1);
		}
		await Promise.all(waiting);
		expect(order).toEqual(names);
		for (const end of ends) end(0.3);
	});

	it('is looked for the more seldom, the more wait before, so that thousands do not keep the isolate busy', async () => {
		await know('e', [0.3, 0.3]);
		for (let n = 0; n < TRIPS_AT_ONCE; n += 1) await takeTurn(trip('e'), 60_000);
		const pauses: number[] = [];
		const timer = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((_: unknown, wait: number) => {
			pauses.push(wait);
		}) as never);
		for (let n = 0; n < 1000; n += 1) void takeTurn(trip('e'), 60_000);
		timer.mockRestore();
		expect([pauses[0], pauses[100], pauses[300], pauses[999]]).toEqual([1, 50, 150, 250]);
	});

	it('is not kept by a request that was cancelled while it waited', async () => {
		const ends: EndTurn[] = [];
		await know('d', [0.3, 0.3]);
		for (let n = 0; n < TRIPS_AT_ONCE; n += 1) ends.push(await takeTurn(trip('d'), 60_000));
		// A cancelled request gets no timer any more.
		const timer = vi.spyOn(globalThis, 'setTimeout').mockReturnValue(0 as never);
		for (let n = 0; n < 3; n += 1) void takeTurn(trip('d'), 60_000);
		timer.mockRestore();
		for (const end of ends) end(0.3);
		for (let n = 0; n < TRIPS_AT_ONCE; n += 1) {
			const turn = takeTurn(trip('d'), 60_000).then((end) => end(0.3));
			await expect(turn).resolves.toBeUndefined();
		}
	});
});
