import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { type Caller, newCaller, SESSIONS, send } from '../support/api.ts';
import { expire, query } from '../support/database.ts';
import { faultyD1 } from '../support/faulty-d1.ts';
import { caughtUp, followSession, hubOf, hubsWith, liveService } from '../support/follow.ts';
import { meteredD1 } from '../support/metered-d1.ts';
import type { Stream } from '../support/stream.ts';
import { until } from '../support/until.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

const socketsOf = (id: string): Promise<number> =>
	runInDurableObject(hubOf(id), (_, state) => state.getWebSockets().length);

/** A caller with a session, and a stream that has caught up with it. */
async function following(options: Parameters<typeof followSession>[2] = {}) {
	const caller = await newCaller();
	const { id } = await caller.create();
	const stream = await caughtUp(await followSession(caller, id, options));
	return { caller, id, stream, path: `${SESSIONS}/${id}` };
}

const stateIn = (frame: { event?: string; data?: string } | undefined) => {
	expect(frame?.event).toBe('session');
	return JSON.parse(frame?.data ?? '') as {
		etag: string;
		status: string;
		updatedAt: string;
		expiresAt: string;
	};
};
const typesOf = (events: { type: string }[]) => events.map(({ type }) => type);
const numbered = (from: number, to: number) =>
	Array.from({ length: to - from + 1 }, (_, at) => `n${from + at}`);

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

/**
 * A stream that has caught up with a session before it expires, which is soon. On a slow machine the session has longer: what is done
 * `before` it expires is done in time.
 */
async function expiring(fetcher = liveService(), before: (id: string) => Promise<unknown> = async () => {}) {
	for (let milliseconds = 500; ; milliseconds *= 2) {
		const caller = await newCaller();
		const { id } = await caller.create();
		const expiresAt = Date.now() + milliseconds;
		await expire(id, new Date(expiresAt).toISOString());
		const stream = await followSession(caller, id, { fetcher });
		const first = await stream.next();
		await before(id);
		if (first?.event === 'session' && Date.now() < expiresAt) return { caller, id, stream, expiresAt };
		await stream.leave();
	}
}

async function appendNumbered(caller: Caller, id: string, from: number, to: number): Promise<void> {
	for (const type of numbered(from, to)) await caller.append(id, { type });
}

describe.concurrent('a stream', () => {
	it('opens with a comment and a reconnection time, and has the headers of a stream', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const stream = await followSession(caller, id, { headers: { 'X-Request-Id': 'my.stream' } });
		expect(await stream.nextOrComment()).toEqual({ comment: 'following', retry: '2000' });
		const { status, headers } = stream.response;
		expect(status).toBe(200);
		expect(headers.get('Content-Type')).toBe('text/event-stream');
		expect(headers.get('Cache-Control')).toBe('no-store, no-transform');
		expect(headers.get('X-Accel-Buffering')).toBe('no');
		expect(headers.get('X-Request-Id')).toBe('my.stream');
		expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
		await stream.leave();
	});

	it('sends the stored events, then the state, then each new event', async () => {
		const caller = await newCaller();
		const { id, expiresAt, updatedAt } = await caller.create();
		const stored = await caller.append(id, {
			type: 'one',
			message: 'line\nbreak',
			payload: { a: '\r\n\u2028' },
		});
		const stream = await followSession(caller, id);
		expect(await stream.events(1)).toEqual([stored]);
		expect(stateIn(await stream.next())).toEqual({ etag: '"1"', expiresAt, id, status: 'intake', updatedAt });
		const live = await caller.append(id, { type: 'two', stage: 's', payload: { b: [1] } });
		expect(await stream.next()).toEqual({ event: 'event', id: live.id, data: expect.any(String) });
		const more = [await caller.append(id), await caller.append(id)];
		expect(await stream.events(2)).toEqual(more);
		await stream.leave();
	});

	it('sends each event with the same text as the page of events', async () => {
		const { caller, stream, path } = await following();
		await caller.call('POST', `${path}/events`, {
			raw: '{"type":"x","payload":{"b":1,"a":1.0,"__proto__":-0}}',
			headers: { 'Content-Type': 'application/json' },
		});
		const frame = await stream.next();
		const { text } = await caller.call('GET', `${path}/events`);
		expect(text).toBe(`{"data":[${frame?.data}],"hasMore":false}`);
		await stream.leave();
	});

	it('keeps a frame whole when stored texts contain line breaks', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { id: event } = await caller.append(id);
		await query(
			'UPDATE events SET type = ?, payload = ? WHERE id = ?',
			'a\n\ndata: b',
			'{"a":\r\n\n1}',
			event,
		);
		const stream = await followSession(caller, id);
		expect(await stream.events(1)).toMatchObject([{ type: 'a\n\ndata: b', payload: { a: 1 } }]);
		await stream.leave();
	});

	it('is returned only when the client accepts text/event-stream alone', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		for (const Accept of [
			'application/json',
			'*/*',
			'text/html',
			'text/event-stream;q=0.5, application/json',
		]) {
			const page = await caller.call('GET', `${SESSIONS}/${id}/events`, { headers: { Accept } });
			expect(page.headers.get('Content-Type'), Accept).toContain('application/json');
		}
	});

	it('sends a comment when nothing else happens', async () => {
		const { stream } = await following({ fetcher: liveService() });
		expect(await stream.nextOrComment()).toEqual({ comment: '' });
		await stream.leave();
	});

	it('closes without an `end` frame after FOLLOW_MAX_SECONDS', async () => {
		const { stream } = await following({ fetcher: liveService({ FOLLOW_MAX_SECONDS: '1' }) });
		expect(await stream.rest()).toEqual([]);
	});

	it('closes without an `end` frame before it reaches D1’s limit for one invocation, and its client resumes', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const payload = { text: 'x'.repeat(60_000) };
		for (let n = 0; n < 60; n += 1) await caller.append(id, { type: `n${n + 1}`, payload });
		const fetcher = liveService({ FOLLOW_MAX_STATEMENTS: '40' });
		const types: string[] = [];
		let after: string | undefined;
		let streams = 0;
		while (types.length < 60) {
			streams += 1;
			const stream = await followSession(caller, id, { fetcher, ...(after === undefined ? {} : { after }) });
			for (let frame = await stream.next(); frame && types.length < 60; frame = await stream.next()) {
				if (frame.event !== 'event') continue;
				types.push(JSON.parse(frame.data ?? '').type);
				after = frame.id;
			}
			await stream.leave();
		}
		expect(types).toEqual(numbered(1, 60));
		expect(streams).toBeGreaterThan(1);
	});

	it('is not opened by HEAD, which changes nothing', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const path = `${SESSIONS}/${id}/events`;
		const headers = { Accept: 'text/event-stream' };
		const head = await caller.call('HEAD', path, { headers });
		expect([head.status, head.text]).toEqual([200, '']);
		expect(head.headers.get('Content-Type')).toBe('text/event-stream');
		expect(await socketsOf(id)).toBe(0);
		const stored = await query('SELECT followed_until FROM sessions WHERE id = ?', id);
		expect(stored).toEqual([{ followed_until: null }]);
		// It has the status of the GET.
		const { id: event } = await caller.append(id);
		const statusAfter = async (cursor: string) =>
			(await caller.call('HEAD', `${path}?after=${cursor}`, { headers })).status;
		expect(await statusAfter(event)).toBe(200);
		expect(await statusAfter(`evt_0000000009${'f'.repeat(20)}`)).toBe(400);
		await caller.call('DELETE', `${SESSIONS}/${id}`);
		expect((await caller.call('HEAD', path, { headers })).status).toBe(404);
	});

	it('requires credentials, the permission to read, and a session of the caller', async () => {
		const { caller, id } = await following();
		const path = `${SESSIONS}/${id}/events`;
		const headers = { Accept: 'text/event-stream' };
		expect((await send(path, { headers })).status).toBe(401);
		const writer = await newCaller({ permissions: ['PRODUCTS:WRITE'] });
		expect((await writer.call('GET', path, { headers })).status).toBe(403);
		const other = await newCaller();
		expect(await other.call('GET', path, { headers })).toMatchObject({
			status: 404,
			json: { code: 'SESSION_NOT_FOUND' },
		});
		await caller.call('DELETE', `${SESSIONS}/${id}`);
		expect((await caller.call('GET', path, { headers })).status).toBe(404);
	});
});

describe('a cursor', () => {
	it('is the Last-Event-ID header, otherwise `after`, otherwise the start of the log', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const events = [await caller.append(id), await caller.append(id), await caller.append(id)];
		const [first, second, third] = events.map((event) => event.id);
		const seen = async (options: Parameters<typeof followSession>[2]) => {
			const stream = await followSession(caller, id, options);
			const ids: (string | undefined)[] = [];
			for (let frame = await stream.next(); frame?.event === 'event'; frame = await stream.next())
				ids.push(frame.id);
			await stream.leave();
			return ids;
		};
		expect(await seen({})).toEqual([first, second, third]);
		expect(await seen({ after: first ?? '' })).toEqual([second, third]);
		expect(await seen({ headers: { 'Last-Event-ID': second ?? '' } })).toEqual([third]);
		expect(await seen({ after: first ?? '', headers: { 'Last-Event-ID': third ?? '' } })).toEqual([]);
		expect(await seen({ after: first ?? '', headers: { 'Last-Event-ID': '' } })).toEqual([second, third]);
	});

	it('is rejected when it is not an event of the session', async () => {
		const { caller, id, stream, path } = await following();
		const { id: known } = await caller.append(id);
		const { id: otherSession } = await caller.create();
		const { id: foreign } = await caller.append(otherSession);
		const later = known.replace('evt_0000000001', 'evt_0000000002');
		for (const cursor of [foreign, later, 'evt_1', '12', 'x'.repeat(5000)]) {
			for (const [place, query, headers] of [
				['after', `?after=${cursor}`, {}],
				['Last-Event-ID', '', { 'Last-Event-ID': cursor }],
			] as const) {
				const answer = await caller.call('GET', `${path}/events${query}`, {
					headers: { Accept: 'text/event-stream', ...headers },
				});
				expect(answer).toMatchObject({ status: 400, json: { code: 'VALIDATION_ERROR' } });
				expect(answer.json).toHaveProperty('details.0.path', place);
			}
		}
		await stream.leave();
	});
});

describe.concurrent('changes of the session', () => {
	it('reach followers as the current state: an update, a merge, and the last of many', async () => {
		const { caller, id, stream, path } = await following();
		await caller.call('PATCH', path, { body: { status: 'generating' } });
		expect(stateIn(await stream.next())).toMatchObject({ id, etag: '"2"', status: 'generating' });
		const merged = await caller.call('PATCH', path, {
			body: { plan: { a: 1 } },
			headers: { 'Content-Type': 'application/merge-patch+json' },
		});
		expect(stateIn(await stream.next()).etag).toBe(merged.headers.get('ETag'));
		await Promise.all(
			Array.from({ length: 20 }, (_, n) => caller.call('PATCH', path, { body: { plan: { n } } })),
		);
		const versionOf = (etag: string | null) => Number(etag?.slice(1, -1).split('.')[0]);
		// A loaded machine keeps some of them waiting for too long: 503.
		const stored = versionOf((await caller.call('GET', `${path}?fields=status`)).headers.get('ETag'));
		expect(stored).toBeGreaterThan(4);
		let last = 3;
		while (last < stored) {
			const version = versionOf(stateIn(await stream.next()).etag);
			expect(version).toBeGreaterThan(last);
			last = version;
		}
		const done = await caller.call('PATCH', path, {
			body: { status: 'complete' },
			headers: { 'If-Match': `"${stored}"` },
		});
		expect(done.status).toBe(200);
		expect(stateIn(await stream.next())).toMatchObject({
			etag: `"${stored + 1}"`,
			status: 'complete',
		});
		await stream.leave();
	});

	it('end the stream of a deleted session, even of one with many events', async () => {
		const few = await following();
		await few.caller.append(few.id);
		await few.caller.call('DELETE', few.path);
		expect((await few.stream.rest()).at(-1)).toEqual({ event: 'end', data: '{"reason":"deleted"}' });
		const many = await following();
		await query(
			`INSERT INTO events (session_id, position, id, type, payload, created_at)
				SELECT ?, value, printf('evt_%010d', value) || '00000000000000000000', 'n', '{}', 'x'
				FROM json_each(?)`,
			many.id,
			JSON.stringify(Array.from({ length: 1001 }, (_, at) => at + 1)),
		);
		await many.caller.call('DELETE', many.path);
		expect((await many.stream.rest()).at(-1)).toEqual({ event: 'end', data: '{"reason":"deleted"}' });
	});

	it('end the stream of an expired session, although no notice announces the expiry', async () => {
		const { stream } = await expiring();
		expect(await stream.rest()).toEqual([{ event: 'end', data: '{"reason":"expired"}' }]);
	});

	it('do not end the stream of a session whose expiry was extended', async () => {
		const trips: number[] = [];
		const d1 = wrappedD1(env.DB, (_, work) => {
			trips.push(Date.now());
			return work();
		});
		const fetcher = liveService({ DB: d1, FOLLOW_HEARTBEAT_SECONDS: '15' });
		const extended = await expiring(fetcher, (session) => expire(session, inAnHour()));
		const { caller, id, stream, expiresAt } = extended;
		// The stream looks when it would have ended.
		await until(() => expect(trips.at(-1)).toBeGreaterThanOrEqual(expiresAt));
		const event = await caller.append(id);
		expect(await stream.events(1)).toEqual([event]);
		await stream.leave();
	});

	it('reach followers by the next heartbeat when the hub gets no notice', async () => {
		const { hubs } = hubsWith(async (kind, pass) => (kind === 'publish' ? new Response() : pass()));
		const fetcher = liveService({ HUB: hubs });
		const { caller, id, stream } = await following({ fetcher });
		await query("UPDATE sessions SET status = 'failed', version = 7 WHERE id = ?", id);
		expect(stateIn(await stream.next())).toMatchObject({ etag: '"7"', status: 'failed' });
		await query('DELETE FROM sessions WHERE id = ?', id);
		expect(await stream.rest()).toEqual([{ event: 'end', data: '{"reason":"deleted"}' }]);
		expect(caller.userId).toMatch(/^user_/);
	});
});

describe.concurrent('a hub', () => {
	it('can lose its memory and its sockets between any two events', async () => {
		const { caller, id, stream } = await following({ fetcher: liveService() });
		await appendNumbered(caller, id, 1, 3);
		await evictDurableObject(hubOf(id));
		await appendNumbered(caller, id, 4, 6);
		await evictDurableObject(hubOf(id), { webSockets: 'close' });
		await appendNumbered(caller, id, 7, 9);
		expect(typesOf(await stream.events(9))).toEqual(numbered(1, 9));
		await until(async () => expect(await socketsOf(id)).toBe(1));
		await appendNumbered(caller, id, 10, 11);
		expect(typesOf(await stream.events(2))).toEqual(numbered(10, 11));
		await stream.leave();
	});

	it.each(['fails', 'never answers', 'refuses'])(
		'that %s does not keep followers from the events in D1, which they get by the next heartbeat',
		async (how) => {
			const { hubs } = hubsWith(async () => {
				if (how === 'fails') throw new Error('Network connection lost.');
				if (how === 'refuses') return new Response('no', { status: 500 });
				return new Promise<Response>(() => {});
			});
			const fetcher = liveService({ HUB: hubs });
			const { caller, id, stream } = await following({ fetcher });
			await appendNumbered(caller, id, 1, 2);
			expect(typesOf(await stream.events(2))).toEqual(['n1', 'n2']);
			await appendNumbered(caller, id, 3, 4);
			expect(typesOf(await stream.events(2))).toEqual(['n3', 'n4']);
			await stream.leave();
		},
	);

	it('that loses, repeats or delays notices does not make followers miss or repeat an event', async () => {
		let n = 0;
		const { hubs } = hubsWith(async (kind, pass) => {
			if (kind === 'connect') return pass();
			n += 1;
			if (n % 5 === 0) return new Response();
			if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 100));
			return pass();
		});
		const fetcher = liveService({ HUB: hubs });
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		const stream = await caughtUp(await followSession(caller, id, { fetcher }));
		await appendNumbered(caller, id, 1, 40);
		expect(typesOf(await stream.events(40))).toEqual(numbered(1, 40));
		await stream.leave();
	});

	it('gets no notice of a session that nobody follows', async () => {
		const { hubs, sent } = hubsWith((_, pass) => pass());
		const caller = await newCaller({ fetcher: liveService({ HUB: hubs }) });
		const { id } = await caller.create();
		await caller.append(id);
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { status: 'failed' } });
		await caller.call('DELETE', `${SESSIONS}/${id}`);
		expect(sent).toEqual({ publish: 0, connect: 0 });
	});
});

describe('the cost of following', () => {
	it('does not include a D1 read for an event that a notice brings', async () => {
		const meter = meteredD1(env.DB);
		const fetcher = liveService({ DB: meter.d1, FOLLOW_HEARTBEAT_SECONDS: '15' });
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		const streams: Stream[] = [];
		for (let n = 0; n < 20; n += 1)
			streams.push(await caughtUp(await followSession(caller, id, { fetcher })));
		meter.reset();
		await appendNumbered(caller, id, 1, 10);
		for (const stream of streams) expect(typesOf(await stream.events(10))).toEqual(numbered(1, 10));
		expect(meter.trips).toBe(10);
		await Promise.all(streams.map(({ leave }) => leave()));
	});

	it('is one row for all followers that start within half of its lifetime', async () => {
		const meter = meteredD1(env.DB);
		const fetcher = liveService({ DB: meter.d1, FOLLOW_HEARTBEAT_SECONDS: '15' });
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		await caller.details(id);
		meter.reset();
		const streams: Stream[] = [];
		for (let n = 0; n < 5; n += 1) streams.push(await caughtUp(await followSession(caller, id, { fetcher })));
		expect(meter.rowsWritten).toBe(1);
		await Promise.all(streams.map(({ leave }) => leave()));
	});

	it('is shared by idle followers, few of which query D1', async () => {
		const meter = meteredD1(env.DB);
		const fetcher = liveService({ DB: meter.d1 });
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		const streams: Stream[] = [];
		for (let n = 0; n < 30; n += 1)
			streams.push(await caughtUp(await followSession(caller, id, { fetcher })));
		meter.reset();
		for (let comments = 0; comments < 4; comments += 1) {
			await Promise.all(streams.map(({ nextOrComment }) => nextOrComment()));
		}
		// Separate followers would query 30 × 4 times.
		expect(meter.trips).toBeLessThan(40);
		await Promise.all(streams.map(({ leave }) => leave()));
	});
});

describe.concurrent('readers', () => {
	it('that are slow get everything in order, and do not delay others', async () => {
		const { caller, id, stream: slow } = await following({ fetcher: liveService() });
		const quick = await caughtUp(await followSession(caller, id));
		const payload = { text: 'x'.repeat(50_000) };
		for (let n = 1; n <= 60; n += 1) {
			await caller.append(id, { type: `n${n}`, payload });
			expect(typesOf(await quick.events(1))).toEqual([`n${n}`]);
		}
		expect(typesOf(await slow.events(60))).toEqual(numbered(1, 60));
		await caller.append(id, { type: 'n61' });
		expect(typesOf(await slow.events(1))).toEqual(['n61']);
		await Promise.all([slow.leave(), quick.leave()]);
	});

	it('that disconnect leave no socket behind', async () => {
		const { id, stream } = await following();
		expect(await socketsOf(id)).toBe(1);
		await stream.leave();
		await until(async () => expect(await socketsOf(id)).toBe(0));
	});

	it('stay connected while D1 cannot be reached for a while', async () => {
		const faulty = faultyD1();
		const fetcher = liveService({
			DB: faulty.d1,
			HUB: hubsWith(async () => new Response(null, { status: 500 })).hubs,
		});
		const { caller, id, stream } = await following({ fetcher });
		faulty.next.push(
			...Array.from({ length: 4 }, () => ({ message: 'D1 DB is overloaded.', when: 'before' as const })),
		);
		await appendNumbered(caller, id, 1, 2);
		expect(typesOf(await stream.events(2))).toEqual(['n1', 'n2']);
		await stream.leave();
	});

	it('are disconnected when D1 reports that their stream has sent too many queries', async () => {
		const faulty = faultyD1();
		const { stream } = await following({ fetcher: liveService({ DB: faulty.d1 }) });
		const message = 'Too many API requests by single Worker invocation.';
		faulty.next.push(...Array.from({ length: 10 }, () => ({ message, when: 'before' as const })));
		expect(await stream.rest()).toEqual([]);
	});

	it('are disconnected when their key is revoked', async () => {
		const fetcher = liveService({ KEY_CACHE_SECONDS: '0' });
		const { caller, stream } = await following({ fetcher });
		await query(
			'UPDATE api_keys SET revoked_at = ? WHERE user_id = ?',
			new Date().toISOString(),
			caller.userId,
		);
		expect(await stream.rest()).toEqual([]);
	});
});

describe('many writers', () => {
	it('get their events to every follower in the order of the log', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const streams = await Promise.all(Array.from({ length: 5 }, () => followSession(caller, id)));
		await Promise.all(
			Array.from({ length: 10 }, async (_, writer) => {
				for (let n = 1; n <= 10; n += 1) await caller.append(id, { type: `w${writer}`, payload: { n } });
			}),
		);
		const { events: log } = await caller.details(id);
		for (const stream of streams) expect(await stream.events(100)).toEqual(log);
		await Promise.all(streams.map(({ leave }) => leave()));
	});
});
