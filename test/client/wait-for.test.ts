import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClient, etagOf, type SessionStatus, type WaitOptions } from '../../src/client/client.ts';
import { json, type Reply, refusal, scriptedFetch, silence } from '../support/scripted-fetch.ts';
import {
	change,
	end,
	event,
	eventId,
	opening,
	sessionWith,
	snapshot,
	stream,
} from '../support/scripted-stream.ts';
import { until } from '../support/until.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
const PATH = `/v1/products/generation/sessions/${ID}`;

function clientOf(...replies: Reply[]) {
	const { fetch, sent } = scriptedFetch(...replies);
	return { client: createClient({ baseUrl: 'https://api.test', token: 'rt_test_1', fetch }), sent };
}
/** The details of a session with so many events. */
const details = (fields: object = {}, events = 0) =>
	json(
		{ ...sessionWith(fields), events: Array.from({ length: events }, (_, at) => ({ id: eventId(at + 1) })) },
		{ headers: { ETag: '"1"' } },
	);
const becomes = (version: number, status: SessionStatus) => change(version, { set: { status } });

beforeEach(() => {
	vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
	vi.useRealTimers();
});

describe('waitFor', () => {
	it('resolves after one read when the session has one of the statuses already', async () => {
		const { client, sent } = clientOf(details({ status: 'complete' }, 3));
		const session = await client.waitFor(ID, ['complete', 'failed']);
		expect(session).toEqual(sessionWith({ status: 'complete' }));
		expect(etagOf(session)).toBe('"1"');
		expect(sent.map(({ url }) => url.pathname)).toEqual([PATH]);
	});

	it('resolves as soon as the session has one of the statuses, and closes the stream', async () => {
		const closed = vi.fn();
		const { client, sent } = clientOf(
			details({ status: 'generating' }, 3),
			stream(
				[
					opening,
					snapshot(1, { status: 'generating' }),
					event(4),
					becomes(2, 'assembling'),
					becomes(3, 'failed'),
				],
				'stays open',
				closed,
			),
		);
		const session = await client.waitFor(ID, ['complete', 'failed']);
		expect(session.status).toBe('failed');
		expect(etagOf(session)).toBe('"3"');
		expect(closed).toHaveBeenCalledTimes(1);
		expect(sent).toHaveLength(2);
	});

	it('follows from the newest event on, so that no event is read twice', async () => {
		const { client, sent } = clientOf(
			details({}, 1000),
			stream([opening, snapshot(1), becomes(2, 'complete')], 'stays open'),
		);
		await client.waitFor(ID, ['complete']);
		expect(sent[1]?.url.searchParams.get('after')).toBe(eventId(1000));
	});

	it('sees a status that is left again in the same moment', async () => {
		const { client } = clientOf(
			details(),
			stream([opening, snapshot(1), becomes(2, 'complete') + becomes(3, 'generating')], 'stays open'),
		);
		expect((await client.waitFor(ID, ['complete'])).status).toBe('complete');
	});

	it('survives cuts and a renewed token', async () => {
		const { client } = clientOf(
			'cut',
			details(),
			stream([opening, snapshot(1)], 'breaks off'),
			'cut',
			refusal(503, 'DATABASE_UNAVAILABLE'),
			stream([opening, snapshot(4, { status: 'complete' })], 'stays open'),
		);
		expect((await client.waitFor(ID, ['complete'])).status).toBe('complete');
	});

	it('waits for what a function decides, which it asks for each version and not for events', async () => {
		const asked: unknown[] = [];
		const { client } = clientOf(
			details({}, 1),
			stream(
				[
					opening,
					snapshot(1),
					event(2),
					event(3),
					change(2, { merge: { plan: { steps: 1 } } }),
					change(3, { merge: { plan: { steps: 2 } } }),
				],
				'stays open',
			),
		);
		const { plan } = await client.waitFor(ID, async ({ plan }) => {
			asked.push(plan);
			return plan?.steps === 2;
		});
		expect(plan).toEqual({ steps: 2 });
		expect(asked).toEqual([null, null, { steps: 1 }, { steps: 2 }]);
	});

	it('throws what the function throws, and closes the stream', async () => {
		const closed = vi.fn();
		const { client } = clientOf(details(), stream([opening, snapshot(1), change(2)], 'stays open', closed));
		const waiting = client.waitFor(ID, ({ updatedAt }) => {
			if (updatedAt !== sessionWith().updatedAt) throw new Error('Not so.');
			return false;
		});
		await expect(waiting).rejects.toThrow('Not so.');
		expect(closed).toHaveBeenCalledTimes(1);
	});

	it('throws TIMEOUT after timeoutMs, whatever it waits for', async () => {
		vi.useFakeTimers();
		const never: Reply[][] = [
			[silence],
			[details(), silence],
			[details(), stream([opening, snapshot(1)], 'stays open')],
			[
				details(),
				stream([opening, snapshot(1)], 'ends'),
				refusal(503, 'DATABASE_UNAVAILABLE', { 'Retry-After': '60' }),
			],
		];
		for (const replies of never) {
			const { client, sent } = clientOf(...replies);
			const waiting = client.waitFor(ID, ['complete'], { timeoutMs: 10_000 }).catch((error) => error);
			await vi.advanceTimersByTimeAsync(10_000);
			expect(await waiting).toMatchObject({
				name: 'ApiError',
				code: 'TIMEOUT',
				status: 0,
				message: expect.stringContaining('10000 ms'),
			});
			expect(sent).toHaveLength(replies.length);
		}
	});

	it('leaves no timer and no listener', async () => {
		vi.useFakeTimers();
		const { signal } = new AbortController();
		const [added, removed] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')];
		const { client } = clientOf(
			details(),
			stream([opening, snapshot(1), becomes(2, 'complete')], 'stays open'),
		);
		await client.waitFor(ID, ['complete'], { timeoutMs: 60_000, signal });
		expect(vi.getTimerCount()).toBe(0);
		expect(added.mock.calls.length).toBeGreaterThan(0);
		expect(removed.mock.calls.length).toBe(added.mock.calls.length);
	});

	it('throws SESSION_NOT_FOUND when there is no session, and when it ends before', async () => {
		const missing = { code: 'SESSION_NOT_FOUND', status: 404 };
		const none = clientOf(refusal(404, 'SESSION_NOT_FOUND'));
		await expect(none.client.waitFor(ID, ['complete'])).rejects.toMatchObject(missing);
		const deleted = clientOf(details(), stream([opening, snapshot(1), end], 'stays open'));
		await expect(deleted.client.waitFor(ID, ['complete'])).rejects.toMatchObject({
			...missing,
			message: expect.stringContaining('deleted'),
		});
		const between = clientOf(details(), refusal(404, 'SESSION_NOT_FOUND'));
		await expect(between.client.waitFor(ID, ['complete'])).rejects.toMatchObject(missing);
	});

	it('throws the reason of its signal, before it and while it waits', async () => {
		const reason = new Error('The user left.');
		const before = clientOf();
		await expect(before.client.waitFor(ID, ['complete'], { signal: AbortSignal.abort(reason) })).rejects.toBe(
			reason,
		);
		expect(before.sent).toEqual([]);
		const closed = vi.fn();
		const { client, sent } = clientOf(details(), stream([opening, snapshot(1)], 'stays open', closed));
		const leaving = new AbortController();
		const waiting = client.waitFor(ID, ['complete'], { signal: leaving.signal, timeoutMs: 60_000 });
		await until(() => expect(sent).toHaveLength(2));
		leaving.abort(reason);
		await expect(waiting).rejects.toBe(reason);
		await until(() => expect(closed).toHaveBeenCalledTimes(1));
	});

	it('throws a TypeError for what no session can reach, and sends nothing', async () => {
		const { client, sent } = clientOf();
		const wait = client.waitFor as (id: string, wanted: unknown, options?: WaitOptions) => Promise<unknown>;
		for (const wanted of [[], ['completed'], ['complete', 'done'], 'complete', undefined, null, {}]) {
			await expect(wait(ID, wanted)).rejects.toThrow(TypeError);
		}
		for (const timeoutMs of [0, -1, Number.NaN, 2 ** 31]) {
			await expect(wait(ID, ['complete'], { timeoutMs })).rejects.toThrow(TypeError);
		}
		await expect(wait('', ['complete'])).rejects.toThrow(TypeError);
		expect(sent).toEqual([]);
	});
});
