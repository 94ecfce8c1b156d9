import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cleanUpAll } from '../../src/cleanup/all.ts';
import type { Bindings } from '../../src/core/settings.ts';
import { type Caller, callerWith, newCaller, SESSIONS } from '../support/api.ts';
import { d1s, query } from '../support/database.ts';
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
		'SELECT * FROM create_keys WHERE user_id = ?',
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
	});

	it('gives each an equal share of the limit of statements', async () => {
		for (const number of d1s.keys()) await fill(number, 3000);
		await run({ CLEANUP_MAX_STATEMENTS: '200' });
		const [first, ...others] = await left();
		expect(first).toBeLessThan(3000);
		expect(others).toEqual([first, first, first, first]);
	});

	it('stays within the limit of statements, and begins with the next database each time', async () => {
		for (const number of d1s.keys()) await fill(number, 300);
		const watched = d1s.map((d1) => faultyD1(d1));
		const d1 = (at: number) => watched[at]?.d1 as D1Database;
		const bindings = { DB: d1(0), DB_1: d1(1), DB_2: d1(2), DB_3: d1(3), DB_4: d1(4) };
		const untouched = [];
		for (let n = 0; n < 6; n += 1) {
			for (const each of watched) each.sql = [];
			await run({ ...bindings, CLEANUP_MAX_STATEMENTS: '36' }, NOW + n * RUN);
			const statements = watched.map(({ sql }) => sql.flat().length);
			expect(statements.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(36);
			// The look-up for webhooks goes to each.
			untouched.push(
				watched.map(({ sql }) => !sql.flat().some((text) => text.includes('DELETE FROM sessions'))),
			);
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
		await query("UPDATE api_keys SET expires_at = '2025' WHERE session_id = ? AND rowid % 2 = 0", id);
		const [before] = await query<{ n: number }>(
			"SELECT count(*) AS n FROM api_keys WHERE session_id = ? AND expires_at > '2026'",
			id,
		);
		await run();
		const rows = await query<{ session_id: string | null }>(
			'SELECT session_id FROM api_keys WHERE user_id = ?',
			caller.userId,
		);
		expect(rows.filter(({ session_id }) => session_id === null)).toHaveLength(1);
		expect(rows.filter(({ session_id }) => session_id !== null)).toHaveLength(before?.n ?? -1);
	});
});

describe('the note of an Idempotency-Key', () => {
	it('ends with the first life of its session', async () => {
		const caller = await newCaller({ fetcher: near(1) });
		const { json, text } = await createWith(caller, 'k');
		const far = callerWith(caller.key, caller, near(4));
		await run({}, Date.parse(String(json.expiresAt)) - 60_000);
		expect((await createWith(far, 'k')).text).toBe(text);
		await run({}, Date.parse(String(json.expiresAt)) + 60_000);
		expect(await keysLeft(caller)).toEqual([]);
	});

	it('is deleted in several runs under the smallest limit of statements', async () => {
		await query(
			`INSERT INTO create_keys WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
			SELECT 'user_few', '', i, i % 5, '2025' FROM n`,
		);
		const rows = () => query("SELECT 1 FROM create_keys WHERE user_id = 'user_few'");
		for (let n = 0; n < 60 && (await rows()).length > 0; n += 1) {
			await run({ CLEANUP_MAX_STATEMENTS: '20' }, NOW + n * RUN);
		}
		expect(await rows()).toEqual([]);
	});

	it('is deleted in one run when there are more notes than a chunk holds', async () => {
		await query(
			`INSERT INTO create_keys WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1800)
			SELECT 'user_many', '', i, i % 5, '2025' FROM n`,
		);
		await run();
		expect(await query("SELECT 1 FROM create_keys WHERE user_id = 'user_many'")).toEqual([]);
	});
});
