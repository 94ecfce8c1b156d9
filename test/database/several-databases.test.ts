import { describe, expect, it, vi } from 'vitest';
import { databaseNumberOf, newSessionId } from '../../src/core/session-id.ts';
import { callerWith, newCaller, SESSIONS } from '../support/api.ts';
import { d1s } from '../support/database.ts';
import { type FaultyD1, faultyD1 } from '../support/faulty-d1.ts';
import { caughtUp, followSession, liveService } from '../support/follow.ts';
import { FIVE, from, near, PLACES } from '../support/several-databases.ts';

const NUMBERS = [0, 1, 2, 3, 4];
const DOWN = { message: 'D1_ERROR: Network connection lost.', when: 'before' as const };

/** Returns the numbers of the databases that hold a session. */
async function homesOf(id: string): Promise<number[]> {
	const rows = await Promise.all(
		d1s.map((d1) => d1.prepare('SELECT 1 FROM sessions WHERE id = ?').bind(id).all()),
	);
	return NUMBERS.filter((number) => rows[number]?.results.length === 1);
}

/** The service with five databases that are watched and can fail, for a caller near the database with this number. */
function watched(number: number, changes: Parameters<typeof near>[1] = {}) {
	const faulty = d1s.map((d1) => faultyD1(d1));
	const d1 = (at: number) => (faulty[at] as FaultyD1).d1;
	const bindings = { ...FIVE, DB: d1(0), DB_1: d1(1), DB_2: d1(2), DB_3: d1(3), DB_4: d1(4) };
	return {
		fetcher: near(number, { ...bindings, ...changes }),
		trips: () => faulty.map(({ trips }) => trips),
		fail: (at: number, times: number) => faulty[at]?.next.push(...Array.from({ length: times }, () => DOWN)),
		failWith: (at: number, message: string) => faulty[at]?.next.push({ message, when: 'before' }),
		openedWith: (at: number) => faulty[at]?.sessions.map((session) => session.from),
		forget() {
			for (const each of faulty) Object.assign(each, { trips: 0, sessions: [], next: [] });
		},
	};
}

describe('a new session', () => {
	it.each(NUMBERS)('of a caller near database %i is stored there, with its events', async (number) => {
		const caller = await newCaller({ fetcher: near(number) });
		const { id } = await caller.create({ prd: { a: 1 } });
		await caller.append(id);
		expect([databaseNumberOf(id), await homesOf(id)]).toEqual([number, [number]]);
		const counts = await Promise.all(
			d1s.map((d1) => d1.prepare('SELECT 1 FROM events WHERE session_id = ?').bind(id).all()),
		);
		expect(counts.map(({ results }) => results.length)).toEqual(NUMBERS.map((at) => (at === number ? 1 : 0)));
	});

	it('goes to DB without PLACEMENT, and never to a database that PLACEMENT does not name', async () => {
		const plain = await newCaller({ fetcher: near(3, { ...FIVE, PLACEMENT: '' }) });
		expect(databaseNumberOf((await plain.create()).id)).toBe(0);
		const draining = await newCaller({ fetcher: near(3, { ...FIVE, PLACEMENT: 'DB=enam DB_1=weur' }) });
		expect(databaseNumberOf((await draining.create()).id)).toBe(1);
	});
});

describe('a call on a session', () => {
	const calls: [method: string, path: string, body?: unknown][] = [
		['GET', ''],
		['GET', '/events'],
		['PATCH', '', { plan: {} }],
		['POST', '/events', { type: 'note' }],
		['POST', '/steps', { events: [{ type: 'note' }] }],
		['DELETE', ''],
	];

	it('takes one trip, to the database of the session, wherever the caller is', async () => {
		const { fetcher, trips, forget } = watched(4);
		const caller = await newCaller({ fetcher: near(2) });
		const far = callerWith(caller.key, caller, fetcher);
		await far.call('GET', SESSIONS);
		for (const [method, path, body] of calls) {
			const { id } = await caller.create();
			forget();
			const answer = await far.call(method, `${SESSIONS}/${id}${path}`, body === undefined ? {} : { body });
			expect(answer.status, `${method} ${path} ${answer.text}`).toBeLessThan(300);
			expect(trips()).toEqual([0, 0, 1, 0, 0]);
		}
	});

	it('finds nothing for another owner', async () => {
		const fetcher = near(1);
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		const others = [
			await newCaller({ fetcher }),
			await newCaller({ fetcher, userId: caller.userId, organizationId: 'o' }),
		];
		for (const other of others) {
			for (const [method, path, body] of calls) {
				const answer = await other.call(
					method,
					`${SESSIONS}/${id}${path}`,
					body === undefined ? {} : { body },
				);
				expect(answer).toMatchObject({ status: 404, json: { code: 'SESSION_NOT_FOUND' } });
			}
			expect((await other.call('GET', SESSIONS)).json).toMatchObject({ data: [] });
		}
		expect((await caller.details(id)).events).toEqual([]);
	});

	it('returns the usual 404 in one trip when the database of the id is no longer bound', async () => {
		const caller = await newCaller({ fetcher: near(3) });
		const { id } = await caller.create();
		const kept = await callerWith(caller.key, caller, near(1)).create();
		const { fetcher, trips, forget } = watched(0, { DB_3: undefined, PLACEMENT: 'DB=enam DB_1=weur' });
		const after = callerWith(caller.key, caller, fetcher);
		await after.call('GET', SESSIONS);
		for (const [method, path, body] of calls) {
			forget();
			const answer = await after.call(method, `${SESSIONS}/${id}${path}`, body === undefined ? {} : { body });
			expect(answer).toMatchObject({ status: 404, json: { code: 'SESSION_NOT_FOUND' } });
			expect(trips()).toEqual([1, 0, 0, 0, 0]);
		}
		expect((await after.call('GET', SESSIONS)).json).toMatchObject({ data: [{ id: kept.id }] });
		expect((await caller.details(id)).id).toBe(id);
	});

	it('can follow a session of another database live', async () => {
		const caller = await newCaller({ fetcher: near(1) });
		const { id } = await caller.create();
		const first = await caller.append(id);
		const stream = await followSession(caller, id, { fetcher: from(PLACES[4], liveService(FIVE)) });
		expect(await stream.events(1)).toEqual([first]);
		await caughtUp(stream);
		const next = await caller.append(id);
		expect(await stream.events(1)).toEqual([next]);
		await stream.leave();
	});
});

describe('a database that is down', () => {
	it.each([
		['D1_ERROR: D1 DB is overloaded. Requests queued for too long.', 503],
		['D1_ERROR: no such table: sessions: SQLITE_ERROR', 503],
		['D1_ERROR: near "x": syntax error: SQLITE_ERROR', 500],
	])('is named in the log when its error is %j', async (message, status) => {
		const error = vi.spyOn(console, 'error').mockImplementation(() => {});
		const { fetcher, failWith } = watched(1);
		const caller = await newCaller({ fetcher });
		const paths = [SESSIONS, `${SESSIONS}/${newSessionId(3).id}`];
		for (const path of paths) {
			failWith(3, message);
			expect((await caller.call('GET', path)).status).toBe(status);
		}
		const lines = error.mock.calls.map(([line]) => String(line)).filter((line) => line.startsWith('{'));
		expect(lines).toHaveLength(paths.length);
		for (const line of lines) {
			expect(line).toContain(
				`"error":"DB_3 has failed.","cause":{"name":"Error","error":${JSON.stringify(message)}`,
			);
		}
		error.mockRestore();
	});

	it('makes every list return 503, and the sessions of the other databases still work', async () => {
		const { fetcher, fail, forget } = watched(1);
		const caller = await newCaller({ fetcher });
		const here = await caller.create();
		const there = await callerWith(caller.key, caller, near(3)).create();
		for (const query of ['', '?offset=1', `?after=${there.id}`, '?status=failed']) {
			forget();
			fail(3, 2);
			expect(await caller.call('GET', SESSIONS + query)).toMatchObject({
				status: 503,
				json: { code: 'DATABASE_UNAVAILABLE' },
			});
		}
		forget();
		fail(3, 2);
		expect((await caller.details(here.id)).id).toBe(here.id);
		expect((await caller.call('GET', `${SESSIONS}/${there.id}`)).status).toBe(503);
		expect((await caller.call('GET', SESSIONS)).json).toMatchObject({ pagination: { total: 2 } });
	});
});

describe('a bookmark', () => {
	it('names its database, and is used in that database only', async () => {
		const { fetcher, openedWith, forget } = watched(1);
		const caller = await newCaller({ fetcher });
		const created = await caller.call('POST', SESSIONS);
		const bookmark = created.headers.get('X-D1-Bookmark') ?? '';
		expect(bookmark).toMatch(/^1:[0-9a-f-]{59}$/);
		const other = await callerWith(caller.key, caller, near(3)).create();
		const read = async (id: unknown, sent: string) => {
			forget();
			const answer = await caller.call('GET', `${SESSIONS}/${id}`, { headers: { 'X-D1-Bookmark': sent } });
			expect(answer.status).toBe(200);
			return [openedWith(1), openedWith(3)];
		};
		expect(await read(created.json.id, bookmark)).toEqual([[bookmark.slice(2)], []]);
		expect(await read(other.id, bookmark)).toEqual([[], ['first-primary']]);
		expect(await read(created.json.id, bookmark.slice(2))).toEqual([['first-primary'], []]);
		expect(await read(created.json.id, `3:${bookmark.slice(2)}`)).toEqual([['first-primary'], []]);
	});

	it('of a create with an Idempotency-Key is one of the session’s database', async () => {
		const caller = await newCaller({ fetcher: near(2) });
		const { headers } = await caller.call('POST', SESSIONS, { headers: { 'Idempotency-Key': 'k' } });
		expect(headers.get('X-D1-Bookmark')).toMatch(/^2:[0-9a-f-]{59}$/);
	});

	it('is missing from a list of several databases', async () => {
		const caller = await newCaller({ fetcher: near(1) });
		expect((await caller.call('GET', SESSIONS)).headers.get('X-D1-Bookmark')).toBeNull();
	});
});
