import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { takePlace } from '../../src/following/open-streams.ts';
import { callerWith, newCaller, ORIGIN, SESSIONS } from '../support/api.ts';
import { faultyD1 } from '../support/faulty-d1.ts';
import { caughtUp, followSession, liveService } from '../support/follow.ts';
import type { Stream } from '../support/stream.ts';

const MAX_STREAMS = 100;
const STREAM = { Accept: 'text/event-stream' };

describe('the open streams of a caller', () => {
	it('are at most 100 in an isolate; the next one is a 429 without a query, and others are not affected', async () => {
		const faulty = faultyD1();
		const fetcher = liveService({ DB: faulty.d1 });
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		const open = () => followSession(caller, id, { fetcher });
		const streams: Stream[] = [];
		for (let n = 0; n < MAX_STREAMS; n += 1) streams.push(await open());
		const path = `${SESSIONS}/${id}/events`;
		faulty.trips = 0;
		const refused = await callerWith(caller.key, caller, fetcher).call('GET', path, { headers: STREAM });
		expect([refused.status, refused.json.code]).toEqual([429, 'RATE_LIMITED']);
		expect(refused.json.error).toBe('This caller has 100 open streams here. Close one, or try again later.');
		expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
		expect(faulty.trips).toBe(0);
		expect((await caller.call('GET', path)).status).toBe(200);

		const other = await newCaller({ fetcher });
		const theirs = await followSession(other, (await other.create()).id, { fetcher });
		expect(theirs.response.status).toBe(200);
		await theirs.leave();

		await streams.pop()?.leave();
		const again = await open();
		expect(again.response.status).toBe(200);
		for (const stream of [...streams, again]) await stream.leave();
	});

	it('are as many as the setting allows', async () => {
		const fetcher = liveService({ MAX_STREAMS_PER_CALLER: '2' });
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		const open = () => followSession(caller, id, { fetcher });
		const streams = [await open(), await open(), await open()];
		expect(streams.map(({ response }) => response.status)).toEqual([200, 200, 429]);
		await Promise.all(streams.map(({ leave }) => leave()));
	});

	it('do not count one that could not be opened, or that has ended', async () => {
		const fetcher = liveService({ FOLLOW_MAX_SECONDS: '1' });
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		const path = `${SESSIONS}/${id}/events`;
		for (let n = 0; n < MAX_STREAMS + 5; n += 1) {
			const missing = `${SESSIONS}/sess_01k2vxq8f3e7ttyyds0t6w2h4b/events`;
			expect((await caller.call('GET', missing, { headers: STREAM })).status).toBe(404);
			await caller.call('HEAD', path, { headers: STREAM });
		}
		for (let round = 0; round < 2; round += 1) {
			const streams = [];
			for (let n = 0; n < 60; n += 1) streams.push(await followSession(caller, id, { fetcher }));
			for (const stream of streams) await stream.rest();
		}
		const request = new Request(ORIGIN + path, { headers: { ...STREAM, Authorization: caller.key } });
		const last = await fetcher(request);
		expect(last.status).toBe(200);
		await last.body?.cancel();
	});
});

describe('a write on a followed session', () => {
	it('sends the hub no more than a follower can hold, and each follower gets everything', async () => {
		const sizes: number[] = [];
		const hubs = {
			idFromName: (name: string) => env.HUB.idFromName(name),
			get: (id: DurableObjectId) => ({
				fetch(address: string, init: RequestInit) {
					if (typeof init.body === 'string') sizes.push(init.body.length);
					return env.HUB.get(id).fetch(address, init);
				},
			}),
		} as unknown as DurableObjectNamespace;
		const fetcher = liveService({ HUB: hubs });
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		const streams = [];
		for (let n = 0; n < 5; n += 1) streams.push(await caughtUp(await followSession(caller, id, { fetcher })));
		const payload = { text: 'x'.repeat(60_000) };
		for (const count of [1, 30, 2]) {
			const events = Array.from({ length: count }, () => ({ type: 'note', payload }));
			await caller.call('POST', `${SESSIONS}/${id}/steps`, { body: { events } });
		}
		const { events } = await caller.details(id);
		for (const stream of streams) {
			expect((await stream.events(33)).map((each) => each.id)).toEqual(events.map((each) => each.id));
			await stream.leave();
		}
		expect(sizes.length).toBeGreaterThanOrEqual(3);
		expect(Math.max(...sizes)).toBeLessThan(130_000);
	});
});

describe('a place for a stream', () => {
	it('ends by itself, because the runtime can drop a request without a trace', () => {
		const now = Date.now();
		for (let n = 0; n < MAX_STREAMS; n += 1) takePlace('a', MAX_STREAMS, now).keep(n < 50 ? 0 : 3_600_000);
		expect(() => takePlace('a', MAX_STREAMS, now + 59_000)).toThrow('open streams');
		for (let n = 0; n < 50; n += 1) takePlace('a', MAX_STREAMS, now + 61_000);
		expect(() => takePlace('a', MAX_STREAMS, now + 61_000)).toThrow('open streams');
	});
});
