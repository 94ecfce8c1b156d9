import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cleanUp } from '../../src/cleanup/cleanup.ts';
import { DatabaseUnavailable } from '../../src/core/database.ts';
import { settingsOf } from '../../src/core/settings.ts';
import { newCaller, SESSIONS } from '../support/api.ts';
import { countRows, expire, query } from '../support/database.ts';
import { faultyD1 } from '../support/faulty-d1.ts';
import { meteredD1 } from '../support/metered-d1.ts';

const GENEROUS = { CLEANUP_MAX_STATEMENTS: 1000, CLEANUP_MAX_SECONDS: 60 };

/** Many sessions of one owner with events each, by SQL; the even ones have expired. */
async function fill(sessions: number, eventsEach: number): Promise<void> {
	await query(
		`INSERT INTO sessions (id, user_id, status, created_at, updated_at, expires_at)
		WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		SELECT printf('sess_%026d', i), 'user_many', 'intake', '2020-01-01T00:00:00.000Z', '2020-01-01T00:00:00.000Z',
			iif(i % 2 = 0, printf('2020-01-02T00:00:00.%03dZ', i % 1000), '2999-01-01T00:00:00.000Z') FROM n`,
		sessions,
	);
	await query(
		`INSERT INTO events (session_id, position, id, type, payload, created_at)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		SELECT sessions.id, i, 'evt_' || sessions.id || i, 'note', '{}', '2020-01-01T00:00:00.000Z'
		FROM sessions CROSS JOIN n WHERE sessions.user_id = 'user_many'`,
		eventsEach,
	);
}

/** Stores keys for one session by SQL, which expire at a time. */
const fillKeys = (count: number, expiresAt: string) =>
	query(
		`INSERT INTO api_keys (id, key_hash, prefix, user_id, permissions, created_at, expires_at, session_id)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
		SELECT 'key_' || ?2 || i, 'hash_' || ?2 || i, 'p', 'user_many', 'PRODUCTS:READ', '2020', ?2, 'sess_one' FROM n`,
		count,
		expiresAt,
	);

describe('the scheduled cleanup', () => {
	beforeEach(async () => {
		await query('DELETE FROM sessions');
		await query("DELETE FROM api_keys WHERE user_id = 'user_many'");
	});

	it('removes what has expired with its events, and nothing else', async () => {
		const caller = await newCaller();
		const [dead, live] = [await caller.create(), await caller.create({ prd: { kept: true } })];
		await caller.append(dead.id);
		const event = await caller.append(live.id);
		await expire(dead.id);
		const report = await cleanUp(env.DB, Date.now(), GENEROUS);
		expect(report).toMatchObject({ sessions: 1, events: 1, left: 0 });
		expect([await countRows('sessions'), await countRows('events')]).toEqual([1, 1]);
		expect(await caller.details(live.id)).toEqual({ ...live, events: [event] });
	});

	it('uses the time that it is given', async () => {
		const caller = await newCaller();
		const { expiresAt } = await caller.create();
		expect((await cleanUp(env.DB, Date.parse(expiresAt) - 1, GENEROUS)).sessions).toBe(0);
		expect((await cleanUp(env.DB, Date.parse(expiresAt), GENEROUS)).sessions).toBe(1);
	});

	it('stops at its limit of statements, reports what is left, and continues in the next run', async () => {
		await fill(1000, 30);
		const budget = { CLEANUP_MAX_STATEMENTS: 20, CLEANUP_MAX_SECONDS: 60 };
		const first = await cleanUp(env.DB, Date.now(), budget);
		expect(first.statements).toBeLessThanOrEqual(17);
		expect(first.sessions).toBeGreaterThan(0);
		expect(first.left).toBe(500 - first.sessions);
		let runs = 1;
		for (let { left } = first; left !== 0; runs += 1) left = (await cleanUp(env.DB, Date.now(), budget)).left;
		expect(runs).toBeGreaterThan(1);
		expect([await countRows('sessions'), await countRows('events')]).toEqual([500, 15_000]);
		expect(await countRows('sessions', 'expires_at < ?', '2900')).toBe(0);
	});

	it('removes the oldest first', async () => {
		await fill(400, 1);
		await cleanUp(env.DB, Date.now(), { CLEANUP_MAX_STATEMENTS: 20, CLEANUP_MAX_SECONDS: 60 });
		const [oldest] = await query<{ at: string }>(
			"SELECT min(expires_at) AS at FROM sessions WHERE expires_at < '2900'",
		);
		expect(await countRows('sessions', "expires_at < '2900'")).toBe(100);
		expect(oldest?.at).toBe('2020-01-02T00:00:00.200Z');
	});

	it('stops at its limit of time', async () => {
		await fill(10, 1);
		const report = await cleanUp(env.DB, Date.now(), {
			CLEANUP_MAX_STATEMENTS: 1000,
			CLEANUP_MAX_SECONDS: 0,
		});
		expect(report).toMatchObject({ sessions: 0, left: 5 });
	});

	it('deletes 6,000 expired sessions in one run within the default limits', async () => {
		await fill(12_000, 1);
		const report = await cleanUp(env.DB, Date.now(), settingsOf(env));
		expect(report).toMatchObject({ sessions: 6000, events: 6000, left: 0 });
	});

	it('counts the statements of repeated tries, and stays within its limit with them', async () => {
		await fill(2000, 1);
		const faulty = faultyD1();
		const lost = { message: 'D1_ERROR: Network connection lost.', when: 'before' as const };
		// Both trips of each chunk are lost as often as they are tried again; the count of what is left is lost once.
		const lostChunks = Array.from({ length: 3 }, () => [lost, null, lost, lost, null]).flat();
		faulty.next = [...lostChunks, lost, null];
		const report = await cleanUp(faulty.d1, Date.now(), {
			CLEANUP_MAX_STATEMENTS: 60,
			CLEANUP_MAX_SECONDS: 60,
		});
		expect(report).toMatchObject({ sessions: 300, left: 700, statements: 44 });
		expect(faulty.sql.flat()).toHaveLength(44);
	});

	it.each(['0', '19', '1001', '1.5', 'many'])('rejects CLEANUP_MAX_STATEMENTS = %s', (value) => {
		expect(() => settingsOf({ ...env, CLEANUP_MAX_STATEMENTS: value })).toThrow('CLEANUP_MAX_STATEMENTS');
	});

	it('deletes sessions with the smallest CLEANUP_MAX_STATEMENTS that is accepted', async () => {
		await fill(10, 1);
		const report = await cleanUp(env.DB, Date.now(), settingsOf({ ...env, CLEANUP_MAX_STATEMENTS: '20' }));
		expect(report).toMatchObject({ sessions: 5, events: 5 });
	});

	it('deletes each session once when two runs overlap', async () => {
		await fill(600, 20);
		const reports = await Promise.all([1, 2].map(() => cleanUp(env.DB, Date.now(), GENEROUS)));
		expect(reports.reduce((sum, { sessions }) => sum + sessions, 0)).toBe(300);
		expect([await countRows('sessions'), await countRows('events')]).toEqual([300, 6000]);
	});

	it('removes a session with more events than one statement deletes', async () => {
		await fill(2, 12_000);
		expect(await cleanUp(env.DB, Date.now(), GENEROUS)).toMatchObject({
			sessions: 1,
			events: 12_000,
			left: 0,
		});
		expect([await countRows('sessions'), await countRows('events')]).toEqual([1, 12_000]);
	});

	it('removes the versions of a session before the session itself, in chunks', async () => {
		const caller = await newCaller();
		const [dead, live] = [await caller.create(), await caller.create()];
		for (const { id } of [dead, live]) {
			await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: { a: 1 } } });
		}
		await query(
			`INSERT INTO versions SELECT session_id, i + 1, bytes, bytes_before, after_event, changed, next_after_event, next_changed,
				status, expires_at, updated_at, product_object_hash, prd, plan, product_object, assembly_state
			FROM versions CROSS JOIN (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) SELECT i FROM n)
			WHERE session_id = ?`,
			dead.id,
		);
		await expire(dead.id);
		const one = await cleanUp(env.DB, Date.now(), { ...GENEROUS, CLEANUP_MAX_STATEMENTS: 20 });
		expect(one).toMatchObject({ sessions: 0, versions: 5000, left: 1 });
		expect(await cleanUp(env.DB, Date.now(), GENEROUS)).toMatchObject({
			sessions: 1,
			versions: 7001,
			left: 0,
		});
		expect([await countRows('sessions'), await countRows('versions')]).toEqual([1, 1]);
	});

	it('does not read whole tables when the statistics of the query planner are those of small ones', async () => {
		await fill(4, 1);
		await fillKeys(2, '2020-01-01T00:00:00.000Z');
		await query('ANALYZE');
		await query('DELETE FROM sessions');
		await fill(10_000, 2);
		await fillKeys(10_000, '2020-01-02T00:00:00.000Z');
		const meter = meteredD1(env.DB);
		const report = await cleanUp(meter.d1, Date.now(), { ...GENEROUS, CLEANUP_MAX_STATEMENTS: 20 });
		expect(report).toMatchObject({ sessions: 100, events: 200, keys: 500 });
		for (const read of meter.readByStatement.slice(0, 3)) expect(read).toBeLessThanOrEqual(2000);
	});

	it('lets requests be answered while it runs', async () => {
		await fill(2000, 20);
		const caller = await newCaller();
		const { id } = await caller.create();
		const running = cleanUp(env.DB, Date.now(), GENEROUS);
		const answers = await Promise.all(
			Array.from({ length: 30 }, (_, n) =>
				caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: { n } } }),
			),
		);
		expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(200));
		expect((await running).left).toBe(0);
		expect((await caller.details(id)).id).toBe(id);
	});
});

describe('the cleanup of keys for one session', () => {
	beforeEach(async () => {
		await query("DELETE FROM api_keys WHERE user_id = 'user_many'");
	});

	it('removes those that have expired, whether their session lives or not, and no other key', async () => {
		const caller = await newCaller({ expiresAt: '2020-01-01T00:00:00.000Z' });
		await fillKeys(30, '2020-01-01T00:00:00.000Z');
		await fillKeys(20, '2999-01-01T00:00:00.000Z');
		expect(await cleanUp(env.DB, Date.now(), GENEROUS)).toMatchObject({ keys: 30 });
		expect(await countRows('api_keys', "user_id = 'user_many'")).toBe(20);
		expect(await countRows('api_keys', `user_id = '${caller.userId}'`)).toBe(1);
	});

	it('takes them in chunks: no statement reads or writes more because there are more keys', async () => {
		const costs = [];
		for (const count of [2_000, 20_000]) {
			await query("DELETE FROM api_keys WHERE user_id = 'user_many'");
			await fillKeys(count, '2020-01-01T00:00:00.000Z');
			const meter = meteredD1(env.DB);
			const { keys } = await cleanUp(meter.d1, Date.now(), { ...GENEROUS, CLEANUP_MAX_STATEMENTS: 20 });
			expect(keys).toBe(500);
			costs.push(meter.readByStatement);
		}
		for (const read of costs.flat()) expect(read).toBeLessThanOrEqual(2500);
	});
});

describe('a cleanup that D1 fails', () => {
	beforeEach(async () => {
		await query('DELETE FROM sessions');
	});
	afterEach(() => vi.restoreAllMocks());

	it('logs what it deleted and the error, and throws', async () => {
		await fill(1000, 1);
		const error = vi.spyOn(console, 'error').mockImplementation(() => {});
		const faulty = faultyD1();
		const message = 'D1_ERROR: D1 DB is overloaded. Too many requests queued.';
		faulty.next = [null, null, null, null, { message, when: 'before' }];
		await expect(cleanUp(faulty.d1, Date.now(), GENEROUS)).rejects.toThrow(DatabaseUnavailable);
		expect(error.mock.calls.map(([line]) => JSON.parse(String(line)))).toEqual([
			expect.objectContaining({
				level: 'error',
				message: 'cleanup',
				sessions: 200,
				events: 200,
				left: null,
				statements: 11,
				cause: expect.objectContaining({ error: message }),
			}),
		]);
	});

	it('leaves the rest to the next run', async () => {
		await fill(1000, 1);
		const faulty = faultyD1();
		faulty.next = [null, null, null, { message: 'D1_ERROR: Exceeded maximum DB size.', when: 'before' }];
		await expect(cleanUp(faulty.d1, Date.now(), GENEROUS)).rejects.toThrow();
		expect(await cleanUp(faulty.d1, Date.now(), GENEROUS)).toMatchObject({ sessions: 400, left: 0 });
	});
});

describe('an expired session', () => {
	it('is gone for every call at once, before any cleanup', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.append(id);
		await expire(id);
		const calls: [string, string, unknown?][] = [
			['GET', ''],
			['PATCH', '', { status: 'failed' }],
			['PATCH', '', {}],
			['DELETE', ''],
			['GET', '/events'],
			['POST', '/events', { type: 'note' }],
		];
		for (const [method, path, body] of calls) {
			const { status, json } = await caller.call(method, `${SESSIONS}/${id}${path}`, body ? { body } : {});
			expect([method, path, status, json.code]).toEqual([method, path, 404, 'SESSION_NOT_FOUND']);
		}
		const { json } = await caller.call('GET', SESSIONS);
		expect(json).toMatchObject({ data: [], pagination: { total: 0 } });
	});
});
