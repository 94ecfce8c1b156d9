import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
	createClient,
	type Followed,
	type Following,
	type FollowOptions,
	type FollowStatus,
	follow,
} from '../../src/client/client.ts';
import { type Reply, refusal, scriptedFetch } from '../support/scripted-fetch.ts';
import { end, event, opening, state, stream } from '../support/scripted-stream.ts';
import { until } from '../support/until.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';

function followOf(replies: Reply[], options: FollowOptions = {}) {
	const { fetch, sent } = scriptedFetch(...replies);
	const client = createClient({ baseUrl: 'https://api.test', token: 'rt_test_1', fetch });
	return { following: client.follow(ID, options), sent };
}

/** A stream that stays open, and whether the client has closed it. */
function open(...chunks: string[]): { reply: Reply; isClosed: () => boolean } {
	const closed = vi.fn();
	return {
		reply: stream([opening, ...chunks], 'stays open', closed),
		isClosed: () => closed.mock.calls.length > 0,
	};
}

/** A stream of a fetch that does not listen to its signal, as that of another server in the process. */
function deaf(...chunks: string[]): { reply: Reply; isClosed: () => boolean } {
	const cancelled = vi.fn();
	const reply = () =>
		new Response(
			new ReadableStream({
				start(controller) {
					for (const chunk of [opening, ...chunks]) controller.enqueue(new TextEncoder().encode(chunk));
				},
				cancel: cancelled,
			}),
			{ headers: { 'Content-Type': 'text/event-stream' } },
		);
	return { reply, isClosed: () => cancelled.mock.calls.length > 0 };
}

beforeEach(() => {
	vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
	vi.useRealTimers();
});

const nameOf = (item: Followed | undefined) => item?.type;

/** The ways to stop following while an item is awaited. */
const ways: [string, (following: Following) => unknown][] = [
	['return()', (following) => following.return?.()],
	['close()', (following) => following.close()],
	['await using', (following) => following[Symbol.asyncDispose]()],
];

describe('a followed session', () => {
	for (const [way, leave] of ways) {
		for (const [kind, source] of [
			['an open stream', open],
			['a stream whose fetch ignores its signal', deaf],
		] as const) {
			it(`closes ${kind} at once by ${way}, while it waits for an item`, async () => {
				const { reply, isClosed } = source(event(1));
				const { following } = followOf([reply]);
				expect(nameOf((await following.next()).value)).toBe('event');
				const [second, third] = [following.next(), following.next()];
				await leave(following);
				await until(() => expect(isClosed()).toBe(true));
				expect(await second).toEqual({ done: true, value: undefined });
				expect(await third).toEqual({ done: true, value: undefined });
				expect(await following.next()).toEqual({ done: true, value: undefined });
			});
		}
	}

	it('closes the stream when the loop is left with more items at hand', async () => {
		for (const source of [open, deaf]) {
			const { reply, isClosed } = source(event(1) + event(2) + event(3));
			const { following } = followOf([reply]);
			for await (const item of following) {
				expect(nameOf(item)).toBe('event');
				break;
			}
			await until(() => expect(isClosed()).toBe(true));
			expect((await following.next()).done).toBe(true);
		}
	});

	it('closes a connection that is still being opened, even if its response comes later', async () => {
		const late = Promise.withResolvers<Response>();
		const { reply, isClosed } = deaf(event(1));
		const { following, sent } = followOf([() => late.promise]);
		const next = following.next();
		await until(() => expect(sent).toHaveLength(1));
		following.close();
		expect((await next).done).toBe(true);
		late.resolve(await (reply as (sent: never) => Response)(undefined as never));
		await until(() => expect(isClosed()).toBe(true));
	});

	it('does not reconnect after it was closed between two connections', async () => {
		vi.useFakeTimers();
		const { following, sent } = followOf([stream(['retry: 50\n\n'], 'ends')]);
		const next = following.next();
		await new Promise<void>((resolve) =>
			following.onStatus(({ type }) => type === 'reconnecting' && resolve()),
		);
		following.close();
		expect((await next).done).toBe(true);
		await vi.advanceTimersByTimeAsync(60_000);
		expect(sent).toHaveLength(1);
	});

	it('sends nothing before an item is asked for, nor when it is closed before', async () => {
		const { following, sent } = followOf([]);
		following.close();
		expect((await following.next()).done).toBe(true);
		expect(sent).toEqual([]);
	});

	it('gives items in order to readers that ask for several at once', async () => {
		const { following } = followOf([stream([opening, event(1), event(2), end], 'ends')]);
		const results = await Promise.all([
			following.next(),
			following.next(),
			following.next(),
			following.next(),
		]);
		expect(results.map(({ value }) => nameOf(value))).toEqual(['event', 'event', 'end', undefined]);
	});

	it('closes the stream and throws the reason when its signal aborts, whatever has arrived until then', async () => {
		for (const source of [open, deaf]) {
			const { reply, isClosed } = source(Array.from({ length: 400 }, (_, at) => event(at + 1)).join(''));
			const leaving = new AbortController();
			const { following } = followOf([reply], { signal: leaving.signal });
			const seen: unknown[] = [];
			const reason = new Error('The user left.');
			await expect(
				(async () => {
					for await (const item of following) {
						seen.push(item);
						if (seen.length === 5) leaving.abort(reason);
						await new Promise((resolve) => setTimeout(resolve, 1));
					}
				})(),
			).rejects.toBe(reason);
			expect(seen).toHaveLength(5);
			await until(() => expect(isClosed()).toBe(true));
			expect((await following.next()).done).toBe(true);
		}
	});

	it('throws the reason of a signal that has aborted before', async () => {
		const reason = new Error('The user left.');
		const { following, sent } = followOf([], { signal: AbortSignal.abort(reason) });
		await expect(following.next()).rejects.toBe(reason);
		expect(sent).toEqual([]);
	});

	it('leaves no listener on the signal when it has ended', async () => {
		const { signal } = new AbortController();
		const [added, removed] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')];
		const { following } = followOf([stream([opening, event(1), end], 'ends')], { signal });
		for await (const _ of following);
		expect(added.mock.calls.length).toBeGreaterThan(0);
		expect(removed.mock.calls.length).toBe(added.mock.calls.length);
	});

	it('is ended by its signal and by the timeout when the token function never settles', async () => {
		const { fetch } = scriptedFetch();
		const client = createClient({
			baseUrl: 'https://api.test',
			token: () => new Promise<string>(() => {}),
			fetch,
		});
		await expect(client.follow(ID, { timeoutMs: 20 }).next()).rejects.toMatchObject({ code: 'TIMEOUT' });
		const leaving = new AbortController();
		const next = client.follow(ID, { signal: leaving.signal }).next();
		leaving.abort(new Error('The user left.'));
		await expect(next).rejects.toThrow('The user left.');
	});

	it('is followed by the function follow without a client', async () => {
		const { fetch, sent } = scriptedFetch(stream([opening, event(1), end], 'ends'));
		const seen: unknown[] = [];
		for await (const { type } of follow({ baseUrl: 'https://api.test', token: 'rt_test_1', fetch }, ID))
			seen.push(type);
		expect(seen).toEqual(['event', 'end']);
		expect(sent[0]?.headers.get('Authorization')).toBe('Bearer rt_test_1');
	});
});

describe('toReadableStream', () => {
	it('gives each item as a line of JSON, and ends', async () => {
		const { following } = followOf([stream([opening, event(1), state(1), end], 'ends')]);
		const text = await new Response(following.toReadableStream()).text();
		const lines = text
			.trimEnd()
			.split('\n')
			.map((line) => JSON.parse(line));
		expect(lines.map(({ type }) => type)).toEqual(['event', 'session', 'end']);
		expect(lines[0].event.message).toBe('Größe');
	});

	it('closes the stream at once when its reader leaves', async () => {
		for (const source of [open, deaf]) {
			const { reply, isClosed } = source(event(1));
			const { following } = followOf([reply]);
			const reader = following.toReadableStream().getReader();
			await reader.read();
			const pending = reader.read();
			await reader.cancel();
			await until(() => expect(isClosed()).toBe(true));
			expect((await pending).done).toBe(true);
		}
	});

	it('reads no further than its reader', async () => {
		const pulled = vi.fn();
		const reply = () =>
			new Response(
				new ReadableStream(
					{
						pull(controller) {
							pulled();
							controller.enqueue(new TextEncoder().encode(event(pulled.mock.calls.length)));
						},
					},
					{ highWaterMark: 0 },
				),
				{ headers: { 'Content-Type': 'text/event-stream' } },
			);
		const { following } = followOf([reply]);
		const reader = following.toReadableStream().getReader();
		await reader.read();
		await new Promise((resolve) => setTimeout(resolve, 20));
		expect(pulled.mock.calls.length).toBeLessThan(4);
		await reader.cancel();
	});

	it('writes an empty line when nothing happens, and no second one before that is read', async () => {
		vi.useFakeTimers();
		const { reply } = open(event(1));
		const { following } = followOf([reply]);
		const reader = following.toReadableStream().getReader();
		const textOf = async () => new TextDecoder().decode((await reader.read()).value as Uint8Array);
		expect(await textOf()).toContain('"event"');
		const line = textOf();
		await vi.advanceTimersByTimeAsync(4_999);
		await vi.advanceTimersByTimeAsync(1);
		expect(await line).toBe('\n');
		await vi.advanceTimersByTimeAsync(20_000);
		expect(await textOf()).toBe('\n');
		const pending = reader.read();
		await reader.cancel();
		expect((await pending).done).toBe(true);
		expect(vi.getTimerCount()).toBe(0);
	});

	it('fails with the error of the session', async () => {
		const { following } = followOf([refusal(404, 'SESSION_NOT_FOUND')]);
		await expect(new Response(following.toReadableStream()).text()).rejects.toMatchObject({
			code: 'SESSION_NOT_FOUND',
		});
	});
});

describe('onStatus', () => {
	it('tells when the stream is open, and when it is lost, why, and when it is tried again', async () => {
		vi.useFakeTimers({ now: Date.parse('2026-01-15T09:30:00Z') });
		const told: FollowStatus[] = [];
		const { following } = followOf(
			[
				stream(['retry: 2000\n\n', event(1)], 'ends'),
				refusal(503, 'DATABASE_UNAVAILABLE', { 'Retry-After': '7' }),
				stream([opening, end], 'ends'),
			],
			{ onStatus: (status) => told.push(status) },
		);
		const also: string[] = [];
		const stop = following.onStatus(({ type }) => {
			also.push(type);
			stop();
		});
		await following.next();
		const next = following.next();
		await vi.advanceTimersByTimeAsync(8000);
		expect((await next).value).toMatchObject({ type: 'end' });
		expect(told).toMatchObject([
			{ type: 'connected' },
			{ type: 'reconnecting', error: { code: 'NETWORK_ERROR' }, retryAt: new Date('2026-01-15T09:30:00Z') },
			{
				type: 'reconnecting',
				error: { code: 'DATABASE_UNAVAILABLE' },
				retryAt: new Date('2026-01-15T09:30:07Z'),
			},
			{ type: 'connected' },
		]);
		expect(also).toEqual(['connected']);
	});
});
