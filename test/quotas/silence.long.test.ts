import { expect, it } from 'vitest';
import { createClient, type Fetch } from '../../src/client/client.ts';
import { newCaller } from '../support/api.ts';
import { liveService } from '../support/follow.ts';
import { silentD1 } from '../support/silent-d1.ts';
import { until } from '../support/until.ts';

const SILENCE_MS = 70_000;
const WRITERS = 4;
const FOLLOWERS = 4;

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A clock that stands still when this isolate does, because a late response may be the machine's: it counts tenths of a second. */
function ownClock(): { tenths(): number; stop(): void } {
	let tenths = 0;
	const timer = setInterval(() => {
		tenths += 1;
	}, 100);
	return { tenths: () => tenths, stop: () => clearInterval(timer) };
}

it.each(['keeps them', 'runs them'] as const)(
	'a silence of 70 s, in which D1 has statements and %s, loses and doubles nothing, ends no stream, and each response comes in less than 11 s',
	async (silence) => {
		const silent = silentD1();
		// The streams ask D1 at each of their checks.
		const service = liveService({ DB: silent.d1, KEY_CACHE_SECONDS: '0' });
		const statuses = new Map<number, number>();
		const clock = ownClock();
		let slowest = 0;
		let streams = 0;
		const fetch: Fetch = async (url, init) => {
			const started = clock.tenths();
			const request = new Request(url, init);
			if (request.headers.get('Accept') === 'text/event-stream') streams += 1;
			const response = await service(request);
			slowest = Math.max(slowest, clock.tenths() - started);
			statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
			return response;
		};
		const caller = await newCaller();
		const client = createClient({ baseUrl: 'https://api.test', token: caller.key, fetch, maxRetries: 50 });
		const { id } = await client.create();

		let isOver = false;
		const written: string[] = [];
		const write = async (writer: number) => {
			for (let n = 0; !isOver; n += 1) {
				const { id: event } = await client.append(id, { type: `w${writer}`, payload: { n } });
				written.push(event);
				await wait(100);
			}
		};
		const stop = new AbortController();
		const followed: string[][] = Array.from({ length: FOLLOWERS }, () => []);
		const follow = async (seen: string[]) => {
			try {
				for await (const item of client.follow(id, { signal: stop.signal })) {
					if (item.type === 'event') seen.push(item.event.id);
				}
			} catch (error) {
				if (!stop.signal.aborted) throw error;
			}
		};
		const following = followed.map(follow);
		const writing = Array.from({ length: WRITERS }, (_, writer) => write(writer));

		await until(() => expect(written.length).toBeGreaterThan(WRITERS));
		const before = written.length;
		silent.silence = silence;
		await wait(SILENCE_MS);
		const during = written.length - before;
		await silent.speak();
		await until(() => expect(written.length).toBeGreaterThan(before + during + WRITERS));
		isOver = true;
		await Promise.all(writing);
		const log: string[] = [];
		for await (const event of client.events(id)) log.push(event.id);
		await until(() => expect(followed.map((seen) => seen.length)).toEqual(followed.map(() => log.length)));
		stop.abort();
		await Promise.all(following);
		clock.stop();

		// Each writer can have had one trip under way when the silence began.
		expect(during).toBeLessThanOrEqual(WRITERS);
		expect(written.toSorted()).toEqual(log.toSorted());
		for (const seen of followed) expect(seen).toEqual(log);
		expect(streams).toBe(FOLLOWERS);
		expect(statuses.get(503)).toBeGreaterThan(WRITERS);
		expect([...statuses.keys()].filter((status) => ![200, 201, 503].includes(status))).toEqual([]);
		expect(slowest).toBeLessThan(110);
	},
);
