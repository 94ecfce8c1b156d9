import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { cleanUpAll } from '../../src/cleanup/all.ts';
import { sql } from '../../src/core/sql.ts';
import { openDatabase, TRIP_MS } from '../../src/database/database.ts';
import { type Caller, newCaller, ORIGIN, SESSIONS } from '../support/api.ts';
import { countRows, expire, sessionsOf } from '../support/database.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { caughtUp, followSession, hubsWith, liveService } from '../support/follow.ts';
import { type SilentD1, shortDeadlines, silentD1, unanswered } from '../support/silent-d1.ts';
import { until } from '../support/until.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

let silent: SilentD1;
let caller: Caller;
beforeEach(async () => {
	silent = silentD1();
	caller = await newCaller({ fetcher: serviceWith({ DB: silent.d1 }) });
	await caller.call('GET', SESSIONS); // This caches the key: from now on each call is one round trip.
});

const event = { type: 'note' };
const calls: [name: string, method: string, path: (id: string) => string, body?: unknown, key?: string][] = [
	['a create', 'POST', () => SESSIONS, {}],
	['a create with an Idempotency-Key', 'POST', () => SESSIONS, {}, 'k'],
	['a list', 'GET', () => SESSIONS],
	['details', 'GET', (id) => `${SESSIONS}/${id}`],
	['an update', 'PATCH', (id) => `${SESSIONS}/${id}`, { plan: { a: 1 } }],
	['a delete', 'DELETE', (id) => `${SESSIONS}/${id}`],
	['a page of events', 'GET', (id) => `${SESSIONS}/${id}/events`],
	['an append', 'POST', (id) => `${SESSIONS}/${id}/events`, event],
	['an append with an Idempotency-Key', 'POST', (id) => `${SESSIONS}/${id}/events`, event, 'k'],
	['a step', 'POST', (id) => `${SESSIONS}/${id}/steps`, { events: [event] }],
	['a step with an Idempotency-Key', 'POST', (id) => `${SESSIONS}/${id}/steps`, { events: [event] }, 'k'],
	['a key for one session', 'POST', (id) => `${SESSIONS}/${id}/keys`, {}],
	['the start of a stream', 'GET', (id) => `${SESSIONS}/${id}/events?stream`],
	['a health check', 'GET', () => '/healthz'],
];

describe('a call while D1 is silent', () => {
	it.each(calls)('gets a 503 after 10 s, and is not sent again: %s', async (_, method, path, body, key) => {
		const { id } = await caller.create();
		silent.silence = 'keeps them';
		silent.sessions.length = 0;
		const timers = shortDeadlines();
		const { status, json, headers } = await caller.call(method, path(id).replace('?stream', ''), {
			...(body === undefined ? {} : { body }),
			headers: {
				...(key === undefined ? {} : { 'Idempotency-Key': key }),
				...(path(id).endsWith('?stream') ? { Accept: 'text/event-stream' } : {}),
			},
		});
		expect([status, json]).toMatchObject([503, { code: 'DATABASE_UNAVAILABLE' }]);
		expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
		expect(silent.sessions.length).toBe(1);
		expect(timers.reduce((all, { wait }) => all + wait, 0)).toBeLessThanOrEqual(10_000);
	});

	it('that D1 carries out late takes effect once, and its retry with an Idempotency-Key is a replay', async () => {
		const { id } = await caller.create();
		const send = () =>
			caller.call('POST', `${SESSIONS}/${id}/events`, { body: event, headers: { 'Idempotency-Key': 'k' } });
		silent.silence = 'keeps them';
		shortDeadlines();
		expect((await send()).status).toBe(503);
		await silent.speak();
		const again = await send();
		expect([again.status, again.headers.get('Idempotency-Replayed')]).toEqual([201, 'true']);
		expect(await countRows('events', 'session_id = ?', id)).toBe(1);
	});

	it('that D1 has carried out before it fell silent takes effect once', async () => {
		const send = () => caller.call('POST', SESSIONS, { headers: { 'Idempotency-Key': 'k' } });
		silent.silence = 'runs them';
		shortDeadlines();
		expect((await send()).status).toBe(503);
		await silent.speak();
		expect((await send()).status).toBe(201);
		expect(await sessionsOf(caller.userId)).toBe(1);
	});
});

describe('the look-up of a key while D1 is silent', () => {
	it('is a 503 and never a 401, and the key works when D1 answers again', async () => {
		const stranger = await newCaller({ fetcher: serviceWith({ DB: silent.d1 }) });
		silent.silence = 'keeps them';
		shortDeadlines();
		const statuses = [];
		for (let n = 0; n < 3; n += 1) statuses.push((await stranger.call('GET', SESSIONS)).status);
		expect(statuses).toEqual([503, 503, 503]);
		silent.silence = undefined;
		expect((await stranger.call('GET', SESSIONS)).status).toBe(200);
	});
});

describe('a read at a bookmark', () => {
	it('goes to the primary when the replica is silent for half of the time', async () => {
		const { id } = await caller.create();
		const bookmark = '0000007b-0000b26e-00001538-0c3e87bb37b3db5cc52eedb93cd3b96b';
		silent.silence = 'keeps them';
		const timers = shortDeadlines();
		const reading = caller.call('GET', `${SESSIONS}/${id}`, { headers: { 'X-D1-Bookmark': bookmark } });
		await until(() => expect(timers.length).toBe(1));
		silent.silence = undefined;
		expect((await reading).status).toBe(200);
		expect(timers[0]?.wait).toBeLessThanOrEqual(5_000);
		expect(silent.sessions.slice(-2).map(({ from }) => from)).toEqual([bookmark, 'first-primary']);
	});
});

describe('the trips of one request', () => {
	/** A database whose trips wait for their turn for some milliseconds, one after another. */
	function waitingFor(...waits: number[]) {
		const { now } = Date;
		let ahead = 0;
		vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead);
		return openDatabase(env.DB, undefined, {
			patience: { leftMs: TRIP_MS },
			takeTurn: async () => {
				ahead += waits.shift() ?? 0;
				return undefined;
			},
		});
	}

	it('have 10 s together where one of them is slow, and none begins after that', async () => {
		const timers = shortDeadlines();
		const db = waitingFor(6000, 0, 4000);
		await db.first(sql`SELECT 1`);
		await db.first(sql`SELECT 2`);
		expect(timers.map(({ wait }) => wait <= 4000)).toEqual([true, true]);
		await expect(db.first(sql`SELECT 3`)).rejects.toThrow('The database cannot be reached');
		expect(timers.length).toBe(2);
	});

	it.each([
		['of a call', {}],
		['of a stream that opens', { Accept: 'text/event-stream' }],
	])('have what the look-up of the key leaves of them: those %s', async (_, headers) => {
		const { now } = Date;
		let ahead = 0;
		const d1 = wrappedD1(env.DB, async (_, work) => {
			const results = await work();
			ahead += 6000;
			return results;
		});
		const { id } = await caller.create();
		const { key } = await newCaller({ userId: caller.userId });
		const timers = shortDeadlines();
		vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead);
		const request = new Request(`${ORIGIN}${SESSIONS}/${id}/events`, {
			headers: { Authorization: `Bearer ${key}`, ...headers },
		});
		const response = await liveService({ DB: d1 })(request);
		await response.body?.cancel();
		expect(timers.slice(0, 2).map(({ wait }) => wait <= 4000)).toEqual([false, true]);
	});

	it('have 10 s each where none is slow, because a large list makes many', async () => {
		const timers = shortDeadlines();
		const db = waitingFor(4000, 4000, 4000);
		for (let n = 0; n < 3; n += 1) await db.first(sql`SELECT 1`);
		expect(timers.every(({ wait }) => wait > 5000)).toBe(true);
	});
});

describe('a trip that D1 answers', () => {
	it('leaves no timer', async () => {
		const timers = shortDeadlines();
		const { id } = await caller.create();
		await caller.append(id);
		await caller.details(id);
		expect(timers.length).toBe(3);
		expect(timers.filter(({ isCleared }) => !isCleared)).toEqual([]);
	});
});

describe('the cleanup', () => {
	it('goes on with the other databases when one is silent, and reports the failure', async () => {
		const { id } = await caller.create();
		await expire(id);
		const further = silentD1(env.FURTHER_1);
		further.silence = 'keeps them';
		shortDeadlines();
		const databases = { ...env, DB: silent.d1, DB_1: further.d1 };
		await expect(cleanUpAll(databases, Date.now())).rejects.toThrow('The database cannot be reached');
		expect(await sessionsOf(caller.userId)).toBe(0);
	});
});

describe('a stream while D1 is silent', () => {
	it('sends what the hub brings, and goes on where it was', async () => {
		const fetcher = liveService({ DB: silent.d1 });
		const { id } = await caller.create();
		const writer = await newCaller({ userId: caller.userId });
		const stream = await caughtUp(await followSession(caller, id, { fetcher }));
		const timers = shortDeadlines();
		silent.silence = 'keeps them';
		// The look-ups of the stream wait for 100 ms each here, and the heartbeat is one second.
		for (let n = 0; n < 3; n += 1) await writer.append(id);
		const during = await stream.events(3);
		await until(() => expect(timers.some(({ isOver }) => isOver)).toBe(true));
		await silent.speak();
		for (let n = 0; n < 3; n += 1) await writer.append(id);
		const after = await stream.events(3);
		await stream.leave();
		const { events } = await caller.details(id);
		expect([...during, ...after].map((each) => each.id)).toEqual(events.map((each) => each.id));
	});
});

describe('a hub that is silent', () => {
	it('does not keep the invocation of a writer for longer than 10 s', async () => {
		const { hubs, sent } = hubsWith((kind, pass) => (kind === 'publish' ? unanswered() : pass()));
		const { id } = await caller.create();
		const stream = await followSession(caller, id, { fetcher: liveService() });
		await caughtUp(stream);
		const writer = await newCaller({ userId: caller.userId, fetcher: serviceWith({ HUB: hubs }) });
		shortDeadlines();
		// The call returns when everything that it has left to do after its response is done.
		await writer.append(id);
		expect(sent.publish).toBe(1);
		await stream.leave();
	});
});
