import { describe, expect, it } from 'vitest';
import { endFrame, HEARTBEAT, OPENING, stateFrame } from '../../src/following/frames.ts';
import type { LookUp, Notice, Seen } from '../../src/following/notices.ts';
import { type Means, type Next, newProgress, type Progress } from '../../src/following/progress.ts';

const HEARTBEAT_MS = 10_000;
const START = Date.parse('2026-01-15T09:00:00.000Z');
const CONNECTED: Means = { connectsAt: undefined, hasBudget: true };

const iso = (time: number) => new Date(time).toISOString();
const stateAt = (version: number) => ({
	id: 'sess_1',
	status: 'intake',
	version,
	expiresAt: iso(START + 86_400_000),
	updatedAt: iso(START),
});
const seen = (tail: number, version = 1): Seen => ({
	state: stateAt(version),
	tail,
	followedUntil: iso(START + 8 * HEARTBEAT_MS),
});
const run = (first: number, last = first) => ({
	first,
	last,
	frames: Array.from({ length: last - first + 1 }, (_, at) => `<${first + at}>`).join(''),
});
const appended = (first: number, last = first): Notice => ({ kind: 'events', ...run(first, last) });
const found = (tail: number, events?: [first: number, last: number], version = 1): LookUp => ({
	...seen(tail, version),
	events: events && run(...events),
});

const newFollower = (position = 0): Progress =>
	newProgress({ start: seen(0), position, hasLiveState: false, heartbeatMs: HEARTBEAT_MS }, START, () => 1);

/** What the follower sends at a time, until it does something else, and what that is. */
function sentAt(progress: Progress, now: number, means = CONNECTED): { text: string; after: Next } {
	for (let text = ''; ; ) {
		const next = progress.next(now, means);
		if (next.do !== 'send') return { text, after: next };
		text += next.piece.text;
	}
}

/** A follower that has sent all stored events, of which there are `tail`, and the state. */
function caughtUp(tail = 0): Progress {
	const progress = newFollower();
	sentAt(progress, START);
	progress.found(found(tail, tail === 0 ? undefined : [1, tail]), 0, START);
	sentAt(progress, START);
	return progress;
}

describe('a new follower', () => {
	it('opens the stream, connects to the hub, and only then reads D1 after the client’s position', () => {
		const progress = newFollower(7);
		const unconnected = sentAt(progress, START, { ...CONNECTED, connectsAt: 0 });
		expect(unconnected).toEqual({ text: OPENING, after: { do: 'connect' } });
		progress.connected();
		expect(sentAt(progress, START).after).toEqual({ do: 'look up', eventsAfter: 7, renew: false });
	});

	it('reads on until it has reached the end of the log, and sends the state after the last event', () => {
		const progress = newFollower();
		sentAt(progress, START);
		progress.found(found(5, [1, 3]), 0, START);
		expect(sentAt(progress, START)).toEqual({
			text: '<1><2><3>',
			after: { do: 'look up', eventsAfter: 3, renew: false },
		});
		progress.found(found(5, [4, 5]), 3, START);
		expect(sentAt(progress, START).text).toBe(`<4><5>${stateFrame(stateAt(1))}`);
	});

	it('sends notices that arrived during its look-up after the events that it found, and none twice', () => {
		const progress = newFollower();
		sentAt(progress, START);
		for (const position of [2, 3, 4]) progress.notice(appended(position), START);
		progress.found(found(3, [1, 3]), 0, START);
		expect(sentAt(progress, START).text).toBe(`<1><2><3>${stateFrame(stateAt(1))}<4>`);
	});
});

describe('events', () => {
	it('are sent in order, whatever the order of their notices', () => {
		const progress = caughtUp();
		for (const position of [3, 1, 2, 3]) progress.notice(appended(position), START);
		expect(sentAt(progress, START).text).toBe('<1><2><3>');
	});

	it('that are missing for 300 ms are read from D1', () => {
		const progress = caughtUp(1);
		progress.notice(appended(3), START);
		expect(sentAt(progress, START).after).toEqual({ do: 'wait', until: START + 300 });
		expect(sentAt(progress, START + 299).after).toEqual({ do: 'wait', until: START + 300 });
		const late = sentAt(progress, START + 300);
		expect(late.after).toEqual({ do: 'look up', eventsAfter: 1, renew: false });
		progress.found(found(3, [2, 3]), 1, START + 300);
		expect(sentAt(progress, START + 300).text).toBe('<2><3>');
	});

	it('that another follower’s look-up has seen, and no notice has brought, are read from D1', () => {
		const progress = caughtUp(1);
		progress.notice({ kind: 'seen', seen: seen(2) }, START);
		sentAt(progress, START);
		expect(sentAt(progress, START + 300).after).toMatchObject({ do: 'look up', eventsAfter: 1 });
	});

	it('are read from D1 after the connection to the hub was new', () => {
		const progress = caughtUp(4);
		progress.connected();
		expect(sentAt(progress, START).after).toMatchObject({ do: 'look up', eventsAfter: 4 });
	});
});

describe('the state', () => {
	it('is sent once for each version, and never goes back', () => {
		const progress = caughtUp();
		for (const version of [3, 2, 3]) progress.notice({ kind: 'state', state: stateAt(version) }, START);
		expect(sentAt(progress, START).text).toBe(stateFrame(stateAt(3)));
		expect(sentAt(progress, START).text).toBe('');
	});

	it('is not sent before the stored events', () => {
		const progress = newFollower();
		progress.notice({ kind: 'state', state: stateAt(2) }, START);
		expect(sentAt(progress, START).text).toBe(OPENING);
	});
});

describe('a follower in silence', () => {
	it('looks the session up once in a heartbeat, without its events, and sends a comment', () => {
		const progress = caughtUp();
		expect(sentAt(progress, START).after).toEqual({ do: 'wait', until: START + HEARTBEAT_MS });
		const late = sentAt(progress, START + HEARTBEAT_MS);
		expect(late.after).toEqual({ do: 'look up', eventsAfter: undefined, renew: false });
		progress.found(found(0), undefined, START + HEARTBEAT_MS);
		expect(sentAt(progress, START + HEARTBEAT_MS).text).toBe(HEARTBEAT);
	});

	it('saves its look-up when another follower tells of its own', () => {
		const progress = caughtUp();
		progress.notice({ kind: 'seen', seen: seen(0) }, START + 9_000);
		expect(sentAt(progress, START + HEARTBEAT_MS)).toEqual({
			text: HEARTBEAT,
			after: { do: 'wait', until: START + 9_000 + HEARTBEAT_MS },
		});
	});

	it('renews when less than half of the time is left for which writers tell the hub', () => {
		const progress = caughtUp();
		for (const beat of [1, 2, 3])
			progress.notice({ kind: 'seen', seen: seen(0) }, START + beat * HEARTBEAT_MS);
		progress.authorized(true, START + 3 * HEARTBEAT_MS);
		const late = sentAt(progress, START + 4 * HEARTBEAT_MS + 1);
		expect(late.after).toEqual({ do: 'look up', eventsAfter: undefined, renew: true });
	});
});

describe('when D1 is unavailable', () => {
	it('a follower waits for a heartbeat, and sends what the hub brings meanwhile', () => {
		const progress = caughtUp();
		progress.connected();
		expect(sentAt(progress, START).after.do).toBe('look up');
		progress.failed(false, START);
		progress.notice(appended(1), START);
		expect(sentAt(progress, START)).toEqual({
			text: '<1>',
			after: { do: 'wait', until: START + HEARTBEAT_MS },
		});
	});

	it('a caller that could not be checked gets content for four heartbeats, and then comments until a check succeeds', () => {
		const progress = caughtUp();
		const at = (beats: number) => START + beats * HEARTBEAT_MS;
		progress.authorized(undefined, at(3));
		progress.notice(appended(1), at(3.9));
		expect(sentAt(progress, at(3.9)).text).toContain('<1>');
		progress.authorized(undefined, at(3.9));
		progress.notice(appended(2), at(4));
		progress.notice({ kind: 'state', state: stateAt(2) }, at(4));
		expect(sentAt(progress, at(4))).toEqual({ text: '', after: { do: 'wait', until: at(4.9) } });
		for (let beat = 5; beat < 100; beat += 1) {
			expect(sentAt(progress, at(beat))).toEqual({ text: '', after: { do: 'authorize' } });
			progress.authorized(undefined, at(beat));
			expect(sentAt(progress, at(beat)).text).toBe(HEARTBEAT);
		}
		expect(sentAt(progress, at(100)).after).toEqual({ do: 'authorize' });
		progress.authorized(true, at(100));
		expect(sentAt(progress, at(100)).text).toBe(`${stateFrame(stateAt(2))}<2>`);
	});

	it('what waits for a check is not sent when the caller is refused', () => {
		const progress = caughtUp();
		progress.authorized(undefined, START + 4 * HEARTBEAT_MS);
		progress.notice(appended(1), START + 4 * HEARTBEAT_MS);
		progress.authorized(false, START + 5 * HEARTBEAT_MS);
		const next = sentAt(progress, START + 5 * HEARTBEAT_MS);
		expect(next).toEqual({ text: '', after: { do: 'end', reason: 'not allowed' } });
	});
});

describe('a stream ends', () => {
	it('when the caller is no longer allowed, which is checked every three heartbeats', () => {
		const progress = caughtUp();
		const { after } = sentAt(progress, START + 3 * HEARTBEAT_MS);
		expect(after).toEqual({ do: 'authorize' });
		progress.authorized(false, START + 3 * HEARTBEAT_MS);
		expect(sentAt(progress, START + 3 * HEARTBEAT_MS)).toEqual({
			text: '',
			after: { do: 'end', reason: 'not allowed' },
		});
	});

	it('after the events that came before a deletion', () => {
		const progress = caughtUp();
		progress.notice({ kind: 'deleted' }, START);
		progress.notice(appended(1), START);
		expect(sentAt(progress, START)).toEqual({
			text: `<1>${endFrame('deleted')}`,
			after: { do: 'end', reason: 'deleted' },
		});
	});

	it.each([
		['deleted', START],
		['expired', START + 86_400_000],
	] as const)('with the reason %s when D1 has the session no more', (reason, now) => {
		const progress = caughtUp();
		progress.authorized(true, now);
		progress.found(undefined, undefined, now);
		expect(sentAt(progress, now)).toEqual({ text: endFrame(reason), after: { do: 'end', reason } });
	});

	it('looks the session up at its expiry', () => {
		const progress = caughtUp();
		const expiry = START + 86_400_000;
		progress.notice({ kind: 'seen', seen: seen(0) }, expiry - 1);
		progress.authorized(true, expiry - 1);
		expect(sentAt(progress, expiry).after).toMatchObject({ do: 'look up' });
	});

	it.each([
		['the limit of statements is near', false, false],
		['D1 refuses further statements', true, true],
	])('without a frame when %s', (_, isSpent, hasBudget) => {
		const progress = caughtUp();
		if (isSpent) progress.failed(true, START);
		const end = { text: '', after: { do: 'end', reason: 'budget' } };
		expect(sentAt(progress, START, { ...CONNECTED, hasBudget })).toEqual(end);
	});
});

describe('a follower that waits for D1', () => {
	it('asks nothing else, and sends comments', () => {
		const progress = newFollower();
		expect(sentAt(progress, START).after).toMatchObject({ do: 'look up' });
		const means = { connectsAt: 0, hasBudget: false };
		expect(sentAt(progress, START + 1, means).after).toEqual({ do: 'wait', until: START + HEARTBEAT_MS });
		expect(sentAt(progress, START + 9 * HEARTBEAT_MS, means).text).toBe(HEARTBEAT);
	});

	it('for the state sends the events that the hub brings', () => {
		const progress = caughtUp();
		const later = START + HEARTBEAT_MS;
		expect(sentAt(progress, later)).toMatchObject({ after: { do: 'look up', eventsAfter: undefined } });
		progress.notice(appended(1), later);
		expect(sentAt(progress, later).text).toContain('<1>');
	});

	it('for events sends none from the hub before them, and each once', () => {
		const progress = newFollower();
		sentAt(progress, START);
		progress.notice(appended(1, 2), START);
		progress.notice({ kind: 'deleted' }, START);
		expect(sentAt(progress, START + 1)).toMatchObject({ text: '', after: { do: 'wait' } });
		progress.found(found(3, [1, 3]), 0, START + 2);
		expect(sentAt(progress, START + 2).text).toMatch(/^<1><2><3>event: session/);
	});
});

describe('a notice of events that are too large for it', () => {
	it('makes the follower read D1 at once, unless it has them', () => {
		const progress = caughtUp(3);
		progress.notice({ kind: 'appended', last: 3 }, START);
		expect(sentAt(progress, START).after).toMatchObject({ do: 'wait' });
		progress.notice({ kind: 'appended', last: 5 }, START);
		expect(sentAt(progress, START).after).toMatchObject({ do: 'look up', eventsAfter: 3 });
		progress.found(found(5, [4, 5]), 3, START);
		expect(sentAt(progress, START).text).toBe('<4><5>');
	});

	it('is not forgotten when it comes while D1 is asked', () => {
		const progress = caughtUp();
		progress.notice({ kind: 'appended', last: 1 }, START);
		expect(sentAt(progress, START).after).toMatchObject({ do: 'look up', eventsAfter: 0 });
		progress.notice({ kind: 'appended', last: 2 }, START);
		progress.found(found(1, [1, 1]), 0, START);
		expect(sentAt(progress, START).text).toBe('<1>');
		expect(sentAt(progress, START + 300).after).toMatchObject({ do: 'look up', eventsAfter: 1 });
	});
});
