import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cleanUpAll } from '../../src/cleanup/all.ts';
import type { Bindings } from '../../src/core/settings.ts';
import { type Caller, callerWith, newCaller, SESSIONS } from '../support/api.ts';
import { d1s, expire, query } from '../support/database.ts';
import { faultyD1 } from '../support/faulty-d1.ts';
import { FIVE, near } from '../support/several-databases.ts';

const NOW = Date.parse('2026-02-01T00:00:00.000Z');
const RUN = 600_000;

const run = (bindings: Partial<Bindings> = {}, now = NOW) =>
	cleanUpAll({ ...env, ...FIVE, ...bindings }, now);

/** Inserts expired sessions into a database. */
async function fill(number: number, count: number): Promise<void> {
	await d1s[number]
		?.prepare(
			`INSERT INTO sessions (id, user_id, status, created_at, updated_at, expires_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			SELECT printf('sess_%026d', i), 'user_many', 'intake', '2020', '2020', '2021' FROM n`,
		)
		.bind(count)
		.run();
}

const left = () =>
	Promise.all(
		d1s.map(async (d1) => {
			const row = await d1.prepare('SELECT count(*) AS n FROM sessions').first<{ n: number }>();
			return row?.n;
		}),
	);

const keysLeft = (caller: Caller) =>
	query<{ database: number; expires_at: string }>(
		'SELECT * FROM placed_idempotency_keys WHERE user_id = ?',
		caller.userId,
	);
const createWith = (caller: Caller, key: string) =>
	caller.call('POST', SESSIONS, { headers: { 'Idempotency-Key': key } });

beforeEach(async () => {
	for (const d1 of d1s) await d1.prepare('DELETE FROM sessions').run();
});
afterEach(() => vi.restoreAllMocks());

describe('the cleanup of several databases', () => {
	it('removes expired sessions from each, and writes a log line for each', async () => {
		const info = vi.spyOn(console, 'info').mockImplementation(() => {});
		for (const number of d1s.keys()) await fill(number, 10 + number);
		await run();
		expect(await left()).toEqual([0, 0, 0, 0, 0]);
		const lines = info.mock.calls.map(([line]) => JSON.parse(String(line)));
		const found = lines.filter(({ message }) => message === 'cleanup');
		expect(Object.fromEntries(found.map(({ database, sessions }) => [database, sessions]))).toEqual({
			DB: 10,
			DB_1: 11,
			DB_2: 12,
			DB_3: 13,
			DB_4: 14,
		});
		expect(lines.filter(({ message }) => message === 'cleanup of keys')).toHaveLength(1);
	});

	it('gives what some databases leave of their share to those that need more', async () => {
		await fill(1, 3000);
		await fill(3, 300);
		await run({ CLEANUP_MAX_STATEMENTS: '200' });
		expect(await left()).toEqual([0, 0, 0, 0, 0]);
	});

	it('stays within the limit of statements, and begins with the next task each time', async () => {
		for (const number of d1s.keys()) await fill(number, 300);
		const watched = d1s.map((d1) => faultyD1(d1));
		const d1 = (at: number) => watched[at]?.d1 as D1Database;
		const bindings = { DB: d1(0), DB_1: d1(1), DB_2: d1(2), DB_3: d1(3), DB_4: d1(4) };
		const untouched = [];
		for (let n = 0; n < 6; n += 1) {
			for (const each of watched) each.sql = [];
			await run({ ...bindings, CLEANUP_MAX_STATEMENTS: '24' }, NOW + n * RUN);
			const statements = watched.map(({ sql }) => sql.flat().length);
			expect(statements.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(24);
			untouched.push(statements.map((count) => count === 0));
		}
		expect(untouched.some((each) => each.includes(true))).toBe(true);
		for (const number of d1s.keys()) expect(untouched.map((each) => each[number])).toContain(false);
		expect(Math.max(...(await left()).map(Number))).toBeLessThan(300);
	});

	it('continues with the others when one fails, and throws at the end', async () => {
		vi.spyOn(console, 'error').mockImplementation(() => {});
		for (const number of d1s.keys()) await fill(number, 10);
		const faulty = faultyD1(env.FURTHER_2);
		faulty.next = [{ message: 'D1_ERROR: Exceeded maximum DB size.', when: 'before' }];
		await expect(run({ DB_2: faulty.d1 })).rejects.toThrow('limit');
		expect(await left()).toEqual([0, 0, 10, 0, 0]);
	});

	it('removes expired keys for sessions of other databases, and no other key', async () => {
		const caller = await newCaller({ fetcher: near(3) });
		const { id } = await caller.create();
		for (let n = 0; n < 3; n += 1) await caller.call('POST', `${SESSIONS}/${id}/keys`);
		await query("UPDATE api_keys SET expires_at = '2025' WHERE placed_session_id = ? AND rowid % 2 = 0", id);
		const [before] = await query<{ n: number }>(
			"SELECT count(*) AS n FROM api_keys WHERE placed_session_id = ? AND expires_at > '2026'",
			id,
		);
		await run();
		const rows = await query<{ placed_session_id: string | null }>(
			'SELECT placed_session_id FROM api_keys WHERE user_id = ?',
			caller.userId,
		);
		expect(rows.filter(({ placed_session_id }) => placed_session_id === null)).toHaveLength(1);
		expect(rows.filter(({ placed_session_id }) => placed_session_id !== null)).toHaveLength(before?.n ?? -1);
	});
});

describe('the note of an Idempotency-Key', () => {
	it('is kept while its session lives, even if that life was extended, and then deleted', async () => {
		const caller = await newCaller({ fetcher: near(1) });
		const { json, text } = await createWith(caller, 'k');
		await createWith(caller, 'other');
		const day = 86_400_000;
		const later = new Date(Date.now() + 20 * day).toISOString();
		await expire(String(json.id), later);
		await run({}, Date.now() + 10 * day);
		expect(await keysLeft(caller)).toMatchObject([{ idempotency_key: 'k', database: 1, expires_at: later }]);
		const far = callerWith(caller.key, caller, near(4));
		expect((await createWith(far, 'k')).text).toBe(text);
		await run({}, Date.now() + 30 * day);
		expect(await keysLeft(caller)).toEqual([]);
	});

	it('is deleted when its session is gone, or when its database is no longer bound', async () => {
		const caller = await newCaller({ fetcher: near(1) });
		const { json } = await createWith(caller, 'deleted');
		await createWith(callerWith(caller.key, caller, near(2)), 'removed');
		await caller.call('DELETE', `${SESSIONS}/${json.id}`);
		await query(
			"UPDATE placed_idempotency_keys SET expires_at = '2026-01-01' WHERE user_id = ?",
			caller.userId,
		);
		await run({ DB_2: undefined, PLACEMENT: 'DB=enam' });
		expect(await keysLeft(caller)).toEqual([]);
	});

	it('is deleted in several runs under the smallest limit of statements', async () => {
		await query(
			`INSERT INTO placed_idempotency_keys WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
			SELECT 'user_few', '', i, i % 5, '2025' FROM n`,
		);
		const rows = () => query("SELECT 1 FROM placed_idempotency_keys WHERE user_id = 'user_few'");
		for (let n = 0; n < 60 && (await rows()).length > 0; n += 1) {
			await run({ CLEANUP_MAX_STATEMENTS: '14' }, NOW + n * RUN);
		}
		expect(await rows()).toEqual([]);
	});

	it('is deleted in one run when there are more notes than a chunk holds', async () => {
		await query(
			`INSERT INTO placed_idempotency_keys WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1800)
			SELECT 'user_many', '', i, i % 5, '2025' FROM n`,
		);
		await run();
		expect(await query("SELECT 1 FROM placed_idempotency_keys WHERE user_id = 'user_many'")).toEqual([]);
	});
});
