import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
	createClient,
	etagOf,
	type FollowOptions,
	type FollowStatus,
	sessionFields,
	type Token,
	type Watched,
	watch,
} from '../../src/client/client.ts';
import { json, type Reply, refusal, scriptedFetch } from '../support/scripted-fetch.ts';
import {
	change,
	end,
	event,
	eventId,
	opening,
	sessionWith,
	snapshot,
	state,
	stream,
	timeOf,
} from '../support/scripted-stream.ts';
import { until } from '../support/until.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';

function watchOf(replies: Reply[], options: FollowOptions = {}, token: Token = 'rt_test_1') {
	const { fetch, sent } = scriptedFetch(...replies);
	const client = createClient({ baseUrl: 'https://api.test', token, fetch });
	return { items: client.watch(ID, options), sent };
}
const all = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
	const seen: Item[] = [];
	for await (const item of items) seen.push(item);
	return seen;
};
/** An item in short: what it tells, with the numbers of its events. */
const brief = ({ etag, changed, events, ended }: Watched) =>
	[
		etag,
		...(changed.length === sessionFields.length ? ['all'] : changed),
		...events.map(({ id }) => Number(id.slice(4, 14))),
		...(ended ? [ended] : []),
	].join(' ');
const briefs = async (items: AsyncIterable<Watched>) => (await all(items)).map(brief);

beforeEach(() => {
	vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
	vi.useRealTimers();
});

describe('watch', () => {
	it('shows the exact JSON of each frame before the item that it becomes', async () => {
		const told: string[] = [];
		const exact = change(2, { merge: { plan: { price: 1 } } }).replace('"price":1', '"price":1.50');
		const { items } = watchOf([stream([opening, event(1), snapshot(1), exact, end], 'ends')], {
			onFrame: (type, data) => told.push(`${type} ${/"price":[\d.]+/.exec(data)?.[0] ?? ''}`.trim()),
		});
		for await (const { etag } of items) told.push(`item ${etag}`);
		expect(told.indexOf('change "price":1.50')).toBeLessThan(told.indexOf('item "2"'));
		expect(told.filter((each) => !each.startsWith('item'))).toEqual([
			'event',
			'snapshot',
			'change "price":1.50',
			'end',
		]);
	});

	it('yields the whole session with what has changed and the events since the last item', async () => {
		const { items, sent } = watchOf([
			stream(
				[
					opening,
					event(1) + event(2),
					snapshot(1, { plan: { steps: ['one'], owner: 'a' } }),
					event(3) + change(2, { merge: { plan: { owner: null } } }),
					event(4),
					change(3, { set: { status: 'complete', prd: { title: 'T' } } }) +
						change(4, { set: { plan: null } }),
					end,
				],
				'stays open',
			),
		]);
		const seen = await all(items);
		expect(seen.map(brief)).toEqual([
			'"1" all 1 2',
			'"2" plan updatedAt 3',
			'"2" 4',
			'"3" prd status updatedAt',
			'"4" plan updatedAt',
			'"4" deleted',
		]);
		expect(seen.map(({ session }) => session)).toEqual([
			sessionWith({ plan: { steps: ['one'], owner: 'a' } }),
			sessionWith({ plan: { steps: ['one'] }, updatedAt: timeOf(2) }),
			sessionWith({ plan: { steps: ['one'] }, updatedAt: timeOf(2) }),
			sessionWith({
				plan: { steps: ['one'] },
				status: 'complete',
				prd: { title: 'T' },
				updatedAt: timeOf(3),
			}),
			sessionWith({ status: 'complete', prd: { title: 'T' }, updatedAt: timeOf(4) }),
			sessionWith({ status: 'complete', prd: { title: 'T' }, updatedAt: timeOf(4) }),
		]);
		expect(seen.map(({ session }) => Object.keys(session))).toEqual(seen.map(() => [...sessionFields]));
		expect(Object.hasOwn(seen[0] as object, 'ended')).toBe(false);
		expect(sent).toHaveLength(1);
		expect(sent[0]?.url.search).toBe('?state=true');
		expect(sent[0]?.headers.get('Accept')).toBe('text/event-stream');
	});

	it('keeps the identity of what has not changed, and knows the ETag of each session', async () => {
		const first = { steps: [{ a: 1 }], owner: { name: 'x' }, deep: { left: {}, right: { n: 1 } } };
		const { items } = watchOf([
			stream(
				[
					opening,
					snapshot(1, { plan: first, prd: { title: 'T' } }),
					change(2, { merge: { plan: { deep: { right: { n: 2 } }, owner: { name: 'x' } } } }),
					event(1),
					change(3, { set: { plan: { ...first, owner: { name: 'y' } }, prd: { title: 'T' } } }),
					change(4, { merge: { plan: { steps: [{ a: 1 }] } } }),
					end,
				],
				'ends',
			),
		]);
		const [a, b, onlyEvent, c, d] = (await all(items)).map(({ session }) => session);
		type Plan = typeof first;
		const [planA, planB, planC] = [a, b, c].map((session) => session?.plan as unknown as Plan);
		expect(b).not.toBe(a);
		expect(planB).not.toBe(planA);
		expect(planB?.deep).not.toBe(planA?.deep);
		expect(planB?.deep.left).toBe(planA?.deep.left);
		expect(planB?.owner).toBe(planA?.owner);
		expect(planB?.steps).toBe(planA?.steps);
		expect(b?.prd).toBe(a?.prd);
		expect(onlyEvent).toBe(b);
		// A field that is replaced keeps what is equal too.
		expect(planC?.steps).toBe(planA?.steps);
		expect(planC?.owner).toEqual({ name: 'y' });
		expect(c?.prd).toBe(a?.prd);
		expect(d?.plan).toBe(c?.plan);
		expect([a, b, c, d].map((session) => etagOf(session ?? {}))).toEqual(['"1"', '"2"', '"3"', '"4"']);
		// Nothing of what was yielded before has changed.
		expect(a).toEqual(sessionWith({ plan: first, prd: { title: 'T' } }));
	});

	it('is watched by the function watch without a client', async () => {
		const { fetch } = scriptedFetch(stream([opening, snapshot(1), end], 'ends'));
		const items = watch({ baseUrl: 'https://api.test', token: 'rt_test_1', fetch }, ID);
		expect(await briefs(items)).toEqual(['"1" all', '"1" deleted']);
	});

	it('starts after the given event', async () => {
		const { items, sent } = watchOf([stream([opening, snapshot(1), end], 'ends')], { after: eventId(7) });
		await all(items);
		expect(sent[0]?.url.searchParams.get('after')).toBe(eventId(7));
	});

	it('reads a snapshot that arrives in many chunks, even within a character', async () => {
		const bytes = new TextEncoder().encode(
			opening + snapshot(1, { plan: { text: 'Größe'.repeat(200) } }) + end,
		);
		const { items } = watchOf([
			stream(
				Array.from(bytes, (byte) => Uint8Array.of(byte)),
				'ends',
			),
		]);
		expect((await items.next()).value?.session.plan).toEqual({ text: 'Größe'.repeat(200) });
		expect(await briefs(items)).toEqual(['"1" deleted']);
	});

	it('ignores unknown types of frames', async () => {
		const { items } = watchOf([
			stream([opening, 'event: news\ndata: {}\n\n', snapshot(1), 'data: plain\n\n', end], 'ends'),
		]);
		expect(await briefs(items)).toEqual(['"1" all', '"1" deleted']);
	});

	it('gives each item as a line of JSON', async () => {
		const { items } = watchOf([stream([opening, snapshot(1), change(2), end], 'ends')]);
		const lines = (await new Response(items.toReadableStream()).text()).trimEnd().split('\n');
		expect(lines.map((line) => brief(JSON.parse(line)))).toEqual(['"1" all', '"2" updatedAt', '"2" deleted']);
	});
});

describe('the connection of watch', () => {
	for (const after of ['ends', 'breaks off'] as const) {
		it(`is resumed after the last event when the stream ${after}, with the session as it is then`, async () => {
			const half = snapshot(1).slice(0, 60);
			const { items, sent } = watchOf([
				stream([opening, event(1), half], after),
				stream([opening, event(2), snapshot(1)], after),
				stream([opening, snapshot(1)], after),
				stream(
					[opening, event(3) + event(4), snapshot(5, { status: 'failed', updatedAt: timeOf(5) })],
					after,
				),
				stream([opening, snapshot(5, { status: 'failed', updatedAt: timeOf(5) }), change(6), end], after),
			]);
			expect(await briefs(items)).toEqual([
				'"1" all 1 2',
				'"1" 3 4',
				'"5" status updatedAt',
				'"6" updatedAt',
				'"6" deleted',
			]);
			expect(sent.map(({ url }) => url.searchParams.get('after'))).toEqual(
				[null, 1, 2, 2, 4].map((position) => position && eventId(position)),
			);
			expect(sent.every(({ url }) => url.searchParams.get('state') === 'true')).toBe(true);
		});
	}

	it('is resumed with what has not changed meanwhile', async () => {
		const plan = { steps: ['one'], owner: { name: 'x' } };
		const { items } = watchOf([
			stream([opening, snapshot(1, { plan })], 'breaks off'),
			stream([opening, snapshot(3, { plan: { ...plan, steps: [] }, updatedAt: timeOf(3) }), end], 'ends'),
		]);
		const [first, second] = await all(items);
		expect(second?.changed).toEqual(['plan', 'updatedAt']);
		expect(second?.session.plan?.owner).toBe(first?.session.plan?.owner);
	});

	const faults: [string, string][] = [
		['a change of another version', change(4, { set: { status: 'failed' } })],
		['a change that was sent already', change(1)],
		[
			'a change whose patches are no object',
			'event: change\ndata: {"etag":"\\"2\\"","previous":"\\"1\\"","updatedAt":"","set":[]}\n\n',
		],
		['a change without an ETag', 'event: change\ndata: {"previous":"\\"1\\"","updatedAt":"","set":{}}\n\n'],
		['a change that is not JSON', 'event: change\ndata: {"etag"\n\n'],
		['a snapshot of another session', snapshot(2, { id: 'sess_01k2vxq8f3e7ttyyds0t6w2h4c' })],
		[
			'a snapshot without an ETag',
			`event: snapshot\ndata: ${JSON.stringify({ session: sessionWith() })}\n\n`,
		],
		['a snapshot that is null', 'event: snapshot\ndata: null\n\n'],
		['an event of another session', event(2).replaceAll(ID, 'sess_01k2vxq8f3e7ttyyds0t6w2h4c')],
		['an end without a reason', 'event: end\ndata: {}\n\n'],
	];
	for (const [what, frame] of faults) {
		it(`is resumed after ${what}, and nothing of it is used`, async () => {
			const told: FollowStatus[] = [];
			const { items, sent } = watchOf(
				[
					stream([opening, snapshot(1), event(1) + frame + change(2)], 'stays open'),
					stream([opening, snapshot(5, { status: 'complete', updatedAt: timeOf(5) }), end], 'ends'),
				],
				{ onStatus: (status) => told.push(status) },
			);
			expect(await briefs(items)).toEqual(['"1" all', '"5" status updatedAt 1', '"5" deleted']);
			expect(sent[1]?.url.searchParams.get('after')).toBe(eventId(1));
			expect(told[1]).toMatchObject({ type: 'reconnecting', error: { code: 'UNEXPECTED_RESPONSE' } });
		});
	}

	it('is resumed when the first change arrives before any snapshot', async () => {
		const { items } = watchOf([
			stream([opening, change(2)], 'stays open'),
			stream([opening, snapshot(2), end], 'ends'),
		]);
		expect(await briefs(items)).toEqual(['"2" all', '"2" deleted']);
	});

	it('gets a fresh token whenever it is resumed, and another one after a 401', async () => {
		const tokens = ['one', 'two', 'three'];
		const { items, sent } = watchOf(
			[
				stream([opening, snapshot(1)], 'ends'),
				refusal(401, 'UNAUTHORIZED'),
				stream([opening, snapshot(2), end], 'ends'),
			],
			{},
			() => tokens.shift() ?? '',
		);
		expect(await briefs(items)).toEqual(['"1" all', '"2"', '"2" deleted']);
		expect(sent.map(({ headers }) => headers.get('Authorization'))).toEqual([
			'Bearer one',
			'Bearer two',
			'Bearer three',
		]);
	});

	it('is closed at once while an item is awaited', async () => {
		const closed = vi.fn();
		const { items } = watchOf([stream([opening, snapshot(1)], 'stays open', closed)]);
		await items.next();
		const next = items.next();
		items.close();
		expect(await next).toEqual({ done: true, value: undefined });
		await until(() => expect(closed).toHaveBeenCalledTimes(1));
	});

	it('is closed when the signal aborts, whose reason is thrown', async () => {
		const leaving = new AbortController();
		const closed = vi.fn();
		const { items } = watchOf([stream([opening, snapshot(1)], 'stays open', closed)], {
			signal: leaving.signal,
		});
		await items.next();
		const next = items.next();
		leaving.abort(new Error('The user left.'));
		await expect(next).rejects.toThrow('The user left.');
		expect(closed).toHaveBeenCalledTimes(1);
	});
});

describe('the end of what is watched', () => {
	it('is told with the last session when the client reconnects after it', async () => {
		vi.spyOn(Date, 'now').mockReturnValue(Date.parse('2026-01-15T09:30:00Z'));
		for (const [expiresAt, ended] of [
			['2026-01-15T09:31:00Z', 'deleted'],
			['2026-01-15T09:29:00Z', 'expired'],
		]) {
			const { items } = watchOf([
				stream([opening, snapshot(1), change(2, { set: { expiresAt } })], 'ends'),
				refusal(404, 'SESSION_NOT_FOUND'),
			]);
			expect(await briefs(items)).toEqual(['"1" all', '"2" expiresAt updatedAt', `"2" ${ended}`]);
		}
	});

	it('throws SESSION_NOT_FOUND when there is no session to tell of', async () => {
		const missing = { status: 404, code: 'SESSION_NOT_FOUND' };
		const never = watchOf([refusal(404, 'SESSION_NOT_FOUND')]);
		await expect(all(never.items)).rejects.toMatchObject(missing);
		const before = watchOf([stream([opening, event(1), end], 'ends')]);
		await expect(all(before.items)).rejects.toMatchObject(missing);
		const meanwhile = watchOf([stream([opening, event(1)], 'ends'), refusal(404, 'SESSION_NOT_FOUND')]);
		await expect(all(meanwhile.items)).rejects.toMatchObject(missing);
	});

	it('throws when the service sends no state, at the start and later', async () => {
		const error = { code: 'UNEXPECTED_RESPONSE', message: expect.stringContaining('Update it') };
		const old = watchOf([stream([opening, event(1), state(1)], 'stays open')]);
		await expect(all(old.items)).rejects.toMatchObject(error);
		const later = watchOf([
			stream([opening, snapshot(1)], 'ends'),
			stream([opening, state(1)], 'stays open'),
		]);
		await later.items.next();
		await expect(later.items.next()).rejects.toMatchObject(error);
	});
});

describe('a long log before the session', () => {
	const COUNT = 10_000;
	const long = (from: number) =>
		Array.from({ length: 100 }, (_, at) => event(from + at).replace('Größe', 'x'.repeat(400))).join('');

	/** A stream that makes a chunk whenever it is read, and counts them. */
	function made(chunkAt: (at: number) => string | undefined): { reply: Reply; chunks: () => number } {
		let chunks = 0;
		const reply = () =>
			new Response(
				new ReadableStream(
					{
						pull(controller) {
							const chunk = chunkAt(chunks++);
							if (chunk === undefined) controller.close();
							else controller.enqueue(new TextEncoder().encode(chunk));
						},
					},
					{ highWaterMark: 0 },
				),
				{ headers: { 'Content-Type': 'text/event-stream' } },
			);
		return { reply, chunks: () => chunks };
	}

	it('is yielded in parts with a session that is read for this, so that it does not fill the memory', async () => {
		const { reply, chunks } = made((at) =>
			at < COUNT / 100 ? long(at * 100 + 1) : [snapshot(1), end][at - COUNT / 100],
		);
		const details = json(sessionWith(), { headers: { ETag: '"1"' } });
		const { items, sent } = watchOf([reply, details]);
		const first = (await items.next()).value as Watched;
		expect(first.session).toEqual(sessionWith());
		expect(first.changed).toEqual([...sessionFields]);
		expect(first.events.length).toBeGreaterThan(1000);
		expect(first.events.length).toBeLessThan(COUNT / 2);
		expect(chunks()).toBeLessThan(COUNT / 200);
		expect(sent[1]?.url.pathname).toBe(`/v1/products/generation/sessions/${ID}`);
		expect(sent[1]?.url.searchParams.get('fields')).toBe(sessionFields.join());
		expect(sent[1]?.headers.get('Accept')).toBe('application/json');
		const rest = await all(items);
		expect(Math.max(...rest.map(({ events }) => events.length))).toBe(100);
		expect([first, ...rest].flatMap(({ events }) => events.map(({ id }) => id))).toEqual(
			Array.from({ length: COUNT }, (_, at) => eventId(at + 1)),
		);
		expect(rest.at(-1)?.ended).toBe('deleted');
	});

	it('is read on after a failure of that read, which is made again, and no event is lost', async () => {
		for (const failure of [
			'cut',
			refusal(503, 'DATABASE_UNAVAILABLE'),
			json({}),
			new Response('<h1>'),
		] as const) {
			const { reply, chunks } = made((at) => long(at * 100 + 1));
			const details = json(sessionWith(), { headers: { ETag: '"1"' } });
			const { items, sent } = watchOf([
				reply,
				failure,
				stream([opening, event(99_999), snapshot(1), end], 'stays open'),
				details,
			]);
			const [first, ...rest] = await all(items);
			expect(first?.events.length).toBe(chunks() * 100 + 1);
			expect(rest.map(brief)).toEqual(['"1" deleted']);
			expect(sent[2]?.url.searchParams.get('after')).toBe(first?.events.at(-2)?.id);
		}
	});

	it('throws SESSION_NOT_FOUND when the session is gone by then', async () => {
		const { items } = watchOf([made((at) => long(at * 100 + 1)).reply, refusal(404, 'SESSION_NOT_FOUND')]);
		await expect(items.next()).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' });
	});

	it('is read no further than its reader reads', async () => {
		const { reply, chunks } = made((at) => (at === 0 ? snapshot(1) : event(at)));
		const { items } = watchOf([reply]);
		for (let n = 0; n < 3; n += 1) await items.next();
		await new Promise((resolve) => setTimeout(resolve, 20));
		expect(chunks()).toBeLessThan(6);
		items.close();
	});

	it('counts as progress before the session has arrived', async () => {
		const { items, sent } = watchOf(
			[1, 2, 3, 4]
				.map((at) => stream([opening, event(at)], 'ends'))
				.concat(stream([opening, snapshot(1), end], 'ends')),
			{ maxRetries: 1 },
		);
		expect(await briefs(items)).toEqual(['"1" all 1 2 3 4', '"1" deleted']);
		expect(sent).toHaveLength(5);
	});
});
