import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
	createClient,
	type Followed,
	type FollowOptions,
	type FollowStatus,
	type Token,
} from '../../src/client/client.ts';
import { json, type Reply, refusal, scriptedFetch } from '../support/scripted-fetch.ts';
import { end, event, eventId, opening, state, stream } from '../support/scripted-stream.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';

function followOf(replies: Reply[], options: FollowOptions = {}, token: Token = 'rt_test_1') {
	const { fetch, sent } = scriptedFetch(...replies);
	const client = createClient({ baseUrl: 'https://api.test', token, fetch });
	return { following: client.follow(ID, options), sent };
}
async function all(items: AsyncIterable<Followed>): Promise<string[]> {
	const seen: string[] = [];
	for await (const item of items) seen.push(item.type === 'end' ? `end ${item.reason}` : item.type);
	return seen;
}
/** A fetch that always replies the same, and the number of requests. */
function endless(reply: () => Reply) {
	const { fetch, sent } = scriptedFetch(...Array.from({ length: 5000 }, reply));
	return { client: createClient({ baseUrl: 'https://api.test', token: 't', fetch }), sent };
}
const html = (status: number) => () =>
	new Response('<h1>A page</h1>', { status, headers: { 'Content-Type': 'text/html' } });

beforeEach(() => {
	vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
	vi.useRealTimers();
});

describe('a session that is being followed', () => {
	const passing: [string, () => Reply][] = [
		...[200, 301, 400, 401, 403, 404, 405, 408, 425, 429, 500, 502, 503, 504, 522].map(
			(status): [string, () => Reply] => [`a page with the status ${status}`, html(status)],
		),
		['the 500 of the service', () => refusal(500, 'INTERNAL_ERROR')],
		['the 503 of the service', () => refusal(503, 'DATABASE_UNAVAILABLE')],
		['the 429 of the service', () => refusal(429, 'RATE_LIMITED')],
		['the JSON of another server', () => json({ code: 'SESSION_NOT_FOUND' }, { status: 404 })],
		['an empty response', () => new Response(null, { status: 200 })],
		['a broken connection', () => 'cut'],
		['a frame that is not JSON', () => stream([opening, 'event: event\ndata: {"id":\n\n'], 'stays open')],
		['an end that is not JSON', () => stream([opening, 'event: end\ndata: oops\n\n'], 'stays open')],
		['a state that is null', () => stream([opening, 'event: session\ndata: null\n\n'], 'stays open')],
		[
			'the stream of another session',
			() => stream([opening, event(1).replaceAll(ID, 'sess_01k2vxq8f3e7ttyyds0t6w2h4c')], 'stays open'),
		],
	];
	for (const [what, reply] of passing) {
		it(`is resumed after ${what}`, async () => {
			const first = stream([opening, event(1)], 'ends');
			const last = stream([opening, event(2), end], 'ends');
			const { following, sent } = followOf([first, reply(), reply(), reply(), reply(), last]);
			expect(await all(following)).toEqual(['event', 'event', 'end deleted']);
			expect(sent.at(-1)?.url.searchParams.get('after')).toBe(eventId(1));
		});
	}

	it('ends when the session is gone by the time that the client reconnects', async () => {
		vi.spyOn(Date, 'now').mockReturnValue(Date.parse('2026-01-15T09:30:00Z'));
		for (const [expiresAt, reason] of [
			['2026-01-15T09:31:00Z', 'deleted'],
			['2026-01-15T09:29:00Z', 'expired'],
		]) {
			const { following } = followOf([
				stream([opening, event(1), state(1, { expiresAt })], 'ends'),
				refusal(404, 'SESSION_NOT_FOUND'),
			]);
			expect(await all(following)).toEqual(['event', 'session', `end ${reason}`]);
		}
		const early = followOf([stream([opening], 'ends'), refusal(404, 'SESSION_NOT_FOUND')]);
		const without = followOf([stream([opening, state(1)], 'ends'), refusal(404, 'SESSION_NOT_FOUND')]);
		expect(await all(without.following)).toEqual(['session', 'end deleted']);
		expect(await all(early.following)).toEqual(['end deleted']);
	});

	it('is resumed after the token function has failed or has not settled, with a token of its next call', async () => {
		const token = vi
			.fn<() => Promise<string>>()
			.mockResolvedValueOnce('one')
			.mockRejectedValueOnce(new Error('The page’s server is away.'))
			.mockReturnValueOnce(new Promise(() => {}))
			.mockResolvedValueOnce('two');
		const told: FollowStatus[] = [];
		const { following, sent } = followOf(
			[stream([opening, event(1)], 'ends'), stream([opening, end], 'ends')],
			{ timeoutMs: 20, onStatus: (status) => told.push(status) },
			token,
		);
		expect(await all(following)).toEqual(['event', 'end deleted']);
		expect(sent.map(({ headers }) => headers.get('Authorization'))).toEqual(['Bearer one', 'Bearer two']);
		expect(told.filter(({ type }) => type === 'reconnecting')).toMatchObject([
			{ error: { code: 'NETWORK_ERROR' } },
			{ error: { message: 'The page’s server is away.' } },
			{ error: { code: 'TIMEOUT' } },
		]);
	});

	it('throws the error of the token function when it fails at the start, or too often', async () => {
		const reason = new Error('signed out');
		const atStart = followOf([], {}, () => Promise.reject(reason));
		await expect(atStart.following.next()).rejects.toBe(reason);
		const token = vi.fn<() => Promise<string>>().mockResolvedValueOnce('one').mockRejectedValue(reason);
		const later = followOf([stream([opening, event(1)], 'ends')], { maxRetries: 2 }, token);
		await expect(all(later.following)).rejects.toBe(reason);
		expect(token).toHaveBeenCalledTimes(3);
	});
});

describe('the requests of a stream', () => {
	/** How many requests are sent in so many milliseconds after the first one. */
	async function requestsIn(milliseconds: number, reply: () => Reply): Promise<number> {
		vi.useFakeTimers();
		vi.mocked(Math.random).mockReturnValue(0.5);
		const { client, sent } = endless(reply);
		const following = client.follow(ID);
		void following.next().catch(() => {});
		await vi.advanceTimersByTimeAsync(milliseconds);
		following.close();
		return sent.length;
	}

	it('become fewer when streams open and end at once, whatever delay they ask for', async () => {
		for (const delay of ['retry: 0', 'retry: 1', ': nothing', 'retry: 999999999999']) {
			expect(await requestsIn(60_000, () => stream([`${delay}\n\n`], 'ends'))).toBeLessThan(20);
			expect(await requestsIn(60_000, () => stream([`${delay}\n\n`, state(1)], 'breaks off'))).toBeLessThan(
				20,
			);
		}
	});

	it('become fewer when frames are broken', async () => {
		const broken = () => stream([opening, 'event: event\ndata: {\n\n'], 'stays open');
		expect(await requestsIn(60_000, broken)).toBeLessThan(20);
	});

	it('wait two minutes when Retry-After asks for more than a timer can count, and when a clock is wrong', async () => {
		const started = stream([opening, event(1)], 'ends');
		for (const retryAfter of ['2592000', '99999999999999999999', 'Fri, 31 Dec 2100 00:00:00 GMT']) {
			vi.useFakeTimers({ now: Date.parse('2026-01-15T09:30:00Z') });
			const busy = refusal(503, 'DATABASE_UNAVAILABLE', { 'Retry-After': retryAfter });
			const { following, sent } = followOf([started, busy, stream([opening, end], 'ends')]);
			const seen = all(following);
			await vi.advanceTimersByTimeAsync(119_000);
			expect(sent).toHaveLength(2);
			await vi.advanceTimersByTimeAsync(2_000);
			expect(await seen).toEqual(['event', 'end deleted']);
			vi.useRealTimers();
		}
	});

	it('end after maxRetries when streams open and end at once, and tell nothing new', async () => {
		const { client, sent } = endless(() => stream([opening, state(1)], 'ends'));
		const seen = all(client.follow(ID, { maxRetries: 3 }));
		await expect(seen).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
		// The first stream tells the state. The three after it do not tell anything new.
		expect(sent).toHaveLength(4);
	});

	it('are counted anew after a stream that was open for a while', async () => {
		vi.useFakeTimers();
		const steady: Reply = ({ signal }) => {
			const body = new ReadableStream<Uint8Array>({
				start(controller) {
					controller.enqueue(new TextEncoder().encode(opening));
					const timer = setTimeout(() => controller.close(), 6_000);
					signal.addEventListener('abort', () => clearTimeout(timer));
				},
			});
			return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
		};
		const { following, sent } = followOf([steady, steady, steady, steady, stream([opening, end], 'ends')], {
			maxRetries: 1,
		});
		const seen = all(following);
		await vi.advanceTimersByTimeAsync(30_000);
		expect(await seen).toEqual(['end deleted']);
		expect(sent).toHaveLength(5);
	});

	it('are sent again 10 s after a stream falls silent within a frame', async () => {
		for (const [part, boundary] of [
			[event(2).slice(0, -1), '\n'],
			[event(2).slice(0, 40), '\n'],
			[event(2).slice(0, 40), '\r\n'],
		]) {
			vi.useFakeTimers();
			const chunks = [opening, event(1), part ?? ''].map((chunk) => chunk.replaceAll('\n', boundary ?? ''));
			const { following, sent } = followOf([
				stream(chunks, 'stays open'),
				stream([opening, event(2), end], 'ends'),
			]);
			const seen = all(following);
			await vi.advanceTimersByTimeAsync(9_999);
			expect(sent).toHaveLength(1);
			await vi.advanceTimersByTimeAsync(2);
			expect(await seen).toEqual(['event', 'event', 'end deleted']);
			vi.useRealTimers();
		}
	});

	it('are sent again when a frame grows without an end', async () => {
		const large = new TextEncoder().encode(`data: ${'x'.repeat(1024 * 1024)}`);
		const { following } = followOf([
			stream([opening, event(1), ...Array.from({ length: 9 }, () => large)], 'stays open'),
			stream([opening, event(2), end], 'ends'),
		]);
		expect(await all(following)).toEqual(['event', 'event', 'end deleted']);
	});
});
