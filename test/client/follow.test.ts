import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClient, type Followed, type FollowOptions, type Token } from '../../src/client/client.ts';
import { json, type Reply, refusal, scriptedFetch } from '../support/scripted-fetch.ts';
import { end, event, eventId, opening, state, stream } from '../support/scripted-stream.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
function followOf(replies: Reply[], options: FollowOptions = {}, token: Token = 'rt_test_1') {
	const { fetch, sent } = scriptedFetch(...replies);
	const client = createClient({ baseUrl: 'https://api.test', token, fetch });
	return { items: client.follow(ID, options), sent };
}
const all = async (items: AsyncIterable<Followed>): Promise<string[]> => {
	const seen: string[] = [];
	for await (const item of items) seen.push(nameOf(item));
	return seen;
};
const nameOf = (item: Followed): string => {
	if (item.type === 'event') return `event ${Number(item.event.id.slice(4, 14))}`;
	return item.type === 'session' ? `session ${item.session.etag}` : `end ${item.reason}`;
};

beforeEach(() => {
	vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
	vi.useRealTimers();
});

describe('follow', () => {
	it('yields events, states and the end, and then returns', async () => {
		const { items, sent } = followOf([
			stream([opening, event(1), state(1), event(2), ':\n\n', state(2), end], 'stays open'),
		]);
		expect(await all(items)).toEqual(['event 1', 'session "1"', 'event 2', 'session "2"', 'end deleted']);
		expect(sent[0]?.headers.get('Accept')).toBe('text/event-stream');
		expect(sent[0]?.url.pathname).toBe(`/v1/products/generation/sessions/${ID}/events`);
		expect(sent[0]?.url.search).toBe('');
	});

	it('reads frames that are split anywhere, even within a character', async () => {
		const bytes = new TextEncoder().encode(opening + event(1) + state(1) + end);
		const { items } = followOf([
			stream(
				Array.from(bytes, (byte) => Uint8Array.of(byte)),
				'ends',
			),
		]);
		const first = await items.next();
		expect(first.value).toMatchObject({ type: 'event', event: { message: 'Größe' } });
		expect(await all(items)).toEqual(['session "1"', 'end deleted']);
	});

	for (const after of ['ends', 'breaks off'] as const) {
		it(`resumes after the last event when the stream ${after}`, async () => {
			const half = event(2).slice(0, 60);
			const { items, sent } = followOf([
				stream([opening, event(1), half], after),
				stream([opening], after),
				stream([opening, event(2), state(1)], after),
				stream([opening, state(1), end], after),
			]);
			expect(await all(items)).toEqual(['event 1', 'event 2', 'session "1"', 'end deleted']);
			expect(sent.map(({ url }) => url.searchParams.get('after'))).toEqual([
				null,
				eventId(1),
				eventId(1),
				eventId(2),
			]);
		});
	}

	it('starts after the given event', async () => {
		const { items, sent } = followOf([stream([opening, end], 'ends')], { after: eventId(7) });
		await all(items);
		expect(sent[0]?.url.searchParams.get('after')).toBe(eventId(7));
	});

	it('resumes after network errors, 429 and 503', async () => {
		const { items } = followOf([
			'cut',
			stream([opening, event(1)], 'breaks off'),
			'cut',
			refusal(429, 'RATE_LIMITED', { 'Retry-After': '0' }),
			refusal(503, 'DATABASE_UNAVAILABLE', { 'Retry-After': '0' }),
			stream([opening, event(2), end], 'ends'),
		]);
		expect(await all(items)).toEqual(['event 1', 'event 2', 'end deleted']);
	});

	it('ignores unknown types of frames', async () => {
		const { items } = followOf([
			stream([opening, 'event: news\ndata: {}\n\n', 'data: plain\n\n', end], 'ends'),
		]);
		expect(await all(items)).toEqual(['end deleted']);
	});

	it('asks for a fresh token whenever it resumes', async () => {
		const token = vi.fn().mockReturnValueOnce('one').mockReturnValueOnce('two').mockReturnValueOnce('three');
		const { items, sent } = followOf(
			[stream([opening], 'ends'), stream([opening], 'ends'), stream([opening, end], 'ends')],
			{},
			token,
		);
		await all(items);
		expect(sent.map(({ headers }) => headers.get('Authorization'))).toEqual([
			'Bearer one',
			'Bearer two',
			'Bearer three',
		]);
	});

	it('asks for another token after a 401, and throws after the second 401', async () => {
		const unauthorized = () => refusal(401, 'UNAUTHORIZED');
		const { items, sent } = followOf([unauthorized, unauthorized], {}, () => crypto.randomUUID());
		await expect(all(items)).rejects.toMatchObject({ status: 401 });
		expect(sent).toHaveLength(2);
	});

	for (const [status, code] of [
		[400, 'VALIDATION_ERROR'],
		[403, 'FORBIDDEN'],
	] as const) {
		it(`throws on ${status}, at the start and when it resumes`, async () => {
			const atStart = followOf([refusal(status, code)]);
			await expect(all(atStart.items)).rejects.toMatchObject({ status, code });
			const later = followOf([stream([opening], 'ends'), refusal(status, code)]);
			await expect(all(later.items)).rejects.toMatchObject({ status, code });
		});
	}

	it('throws on the 404 of the service at the start', async () => {
		const { items } = followOf([refusal(404, 'SESSION_NOT_FOUND')]);
		await expect(all(items)).rejects.toMatchObject({ status: 404, code: 'SESSION_NOT_FOUND' });
	});

	it('throws after two retries when the response is never a stream', async () => {
		const page = () => json({ data: [], hasMore: false });
		const { items, sent } = followOf([page, page, page]);
		await expect(all(items)).rejects.toMatchObject({ code: 'UNEXPECTED_RESPONSE' });
		expect(sent).toHaveLength(3);
	});

	it('reads a stream whatever the case of its media type', async () => {
		const headers = { 'Content-Type': 'Text/Event-Stream;charset=UTF-8' };
		const { items } = followOf([new Response(opening + end, { headers })]);
		expect(await all(items)).toEqual(['end deleted']);
	});

	it('throws after the client’s maxRetries when the stream never starts', async () => {
		const { items, sent } = followOf(Array.from({ length: 20 }, () => 'cut' as const));
		await expect(all(items)).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
		expect(sent).toHaveLength(6);
	});

	it('throws after its own maxRetries failures in a row, counted anew after each frame', async () => {
		const { items, sent } = followOf(
			[stream([opening, event(1)], 'ends'), 'cut', stream([opening, event(2)], 'ends'), 'cut', 'cut', 'cut'],
			{ maxRetries: 2 },
		);
		expect((await items.next()).value).toMatchObject({ type: 'event' });
		expect((await items.next()).value).toMatchObject({ type: 'event' });
		await expect(items.next()).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
		expect(sent).toHaveLength(5);
	});

	it('resumes without a limit once the stream has started', async () => {
		const cuts = Array.from({ length: 12 }, () => 'cut' as const);
		const { items } = followOf([stream([opening], 'ends'), ...cuts, stream([opening, end], 'ends')]);
		expect(await all(items)).toEqual(['end deleted']);
	});

	it('asks for another token after each 401 when a stream succeeded in between', async () => {
		const unauthorized = () => refusal(401, 'UNAUTHORIZED');
		const { items } = followOf(
			[unauthorized, stream([opening], 'ends'), unauthorized, stream([opening, end], 'ends')],
			{},
			() => crypto.randomUUID(),
		);
		expect(await all(items)).toEqual(['end deleted']);
	});

	it('asks for another token after each 401 when the connection broke in between', async () => {
		const unauthorized = () => refusal(401, 'UNAUTHORIZED');
		const { items } = followOf(
			[stream([opening], 'ends'), unauthorized, 'cut', unauthorized, stream([opening, end], 'ends')],
			{},
			() => crypto.randomUUID(),
		);
		expect(await all(items)).toEqual(['end deleted']);
	});

	it('waits as long as Retry-After says before it resumes', async () => {
		vi.useFakeTimers();
		const busy = refusal(503, 'DATABASE_UNAVAILABLE', { 'Retry-After': '7' });
		const { items, sent } = followOf([busy, stream([opening, end], 'ends')]);
		const seen = all(items);
		await vi.advanceTimersByTimeAsync(6_999);
		expect(sent).toHaveLength(1);
		await vi.advanceTimersByTimeAsync(1);
		expect(await seen).toEqual(['end deleted']);
	});

	it('waits for up to the time in the stream’s `retry`, and longer after each further failure', async () => {
		vi.useFakeTimers();
		vi.mocked(Math.random).mockReturnValue(1);
		const { items, sent } = followOf([
			stream(['retry: 300\n\n'], 'ends'),
			'cut',
			stream([opening, end], 'ends'),
		]);
		const seen = all(items);
		await vi.advanceTimersByTimeAsync(299);
		expect(sent).toHaveLength(1);
		await vi.advanceTimersByTimeAsync(1);
		expect(sent).toHaveLength(2);
		await vi.advanceTimersByTimeAsync(599);
		expect(sent).toHaveLength(2);
		await vi.advanceTimersByTimeAsync(1);
		expect(await seen).toEqual(['end deleted']);
	});

	it('closes the connection when the caller leaves the loop', async () => {
		const closed = vi.fn();
		const { items } = followOf([stream([opening, event(1)], 'stays open', closed)]);
		for await (const item of items) {
			expect(nameOf(item)).toBe('event 1');
			break;
		}
		expect(closed).toHaveBeenCalledTimes(1);
	});

	it('closes the connection when the signal aborts, and throws its reason', async () => {
		const closed = vi.fn();
		const leaving = new AbortController();
		const { items } = followOf([stream([opening, event(1)], 'stays open', closed)], {
			signal: leaving.signal,
		});
		await items.next();
		const next = items.next();
		const reason = new Error('The user left.');
		leaving.abort(reason);
		await expect(next).rejects.toBe(reason);
		expect(closed).toHaveBeenCalledTimes(1);
	});

	it('resumes when nothing arrives for 45 seconds', async () => {
		vi.useFakeTimers();
		const closed = vi.fn();
		const { items, sent } = followOf([
			stream([opening, event(1)], 'stays open', closed),
			stream([opening, end], 'ends'),
		]);
		await items.next();
		const next = items.next();
		await vi.advanceTimersByTimeAsync(44_999);
		expect(sent).toHaveLength(1);
		await vi.advanceTimersByTimeAsync(2);
		expect((await next).value).toEqual({ type: 'end', reason: 'deleted' });
		expect(closed).toHaveBeenCalledTimes(1);
		expect(sent[1]?.url.searchParams.get('after')).toBe(eventId(1));
	});
});
