import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { isWellFormedKey, newApiKey } from '../../src/auth/api-key-format.ts';
import { checkKey, keyState, reject } from '../../src/auth/api-keys.ts';
import { expireApiKey, type FoundApiKey, revokeApiKey } from '../../src/auth/store.ts';
import { newQueryStats } from '../../src/core/database.ts';
import { sha256Hex } from '../../src/core/sha256.ts';
import { openDatabase } from '../../src/database/database.ts';
import { storeSessionKey } from '../../src/session-keys/store.ts';
import { newCaller, newKey, SESSIONS } from '../support/api.ts';
import { query } from '../support/database.ts';
import { type FaultyD1, faultyD1, serviceWith } from '../support/faulty-d1.ts';

const NOW = Date.parse('2026-11-24T12:00:00.000Z');
const SECOND = 1000;
const HOUR = 3_600_000;
const db = openDatabase(env.DB);

let faulty: FaultyD1;
let afterwards: (() => Promise<void>)[];
beforeEach(() => {
	faulty = faultyD1();
	afterwards = [];
});

/** Finds the principal of a key at a given time, and waits for the work that runs after the response. */
async function principalAt(now: number, keyHash: string, cacheSeconds = 60) {
	const principal = await checkKey(keyHash, {
		d1: faulty.d1,
		stats: newQueryStats(),
		now,
		network: '',
		patience: undefined,
		cacheSeconds,
		afterResponse: (work) => afterwards.push(work),
	});
	await Promise.all(afterwards.splice(0).map((work) => work()));
	return principal;
}
const lookUps = () => faulty.sql.flat().filter((sql) => sql.startsWith('SELECT')).length;
const notes = () => faulty.sql.flat().filter((sql) => sql.startsWith('UPDATE')).length;
const iso = (now: number) => new Date(now).toISOString();

/** A database that returns the same rows for every statement, without I/O. */
const d1With = (...results: object[]) =>
	({
		withSession: () => ({
			prepare: () => ({
				bind: () => ({ all: async () => ({ results, meta: { rows_read: 0, rows_written: 0 } }) }),
			}),
			getBookmark: () => null,
		}),
	}) as unknown as D1Database;

describe('an API key', () => {
	it('is recognized by its format and checksum, without the database', async () => {
		for (const environment of ['live', 'test'] as const) {
			const { key, keyHash, prefix } = await newApiKey(environment);
			expect(key).toMatch(new RegExp(`^rt_${environment}_[0-9a-f]{72}$`));
			expect([await isWellFormedKey(key), key.startsWith(prefix), prefix.length]).toEqual([true, true, 16]);
			expect(keyHash).toBe(await sha256Hex(key));
			for (let at = 0; at < key.length; at += 1) {
				const other = key[at] === 'a' ? 'b' : 'a';
				expect(await isWellFormedKey(key.slice(0, at) + other + key.slice(at + 1))).toBe(false);
			}
			for (const text of [key.slice(0, -1), `${key}0`, ` ${key}`, `${key}\n`, key.toUpperCase(), ''])
				expect(await isWellFormedKey(text)).toBe(false);
		}
	});

	it('is random', async () => {
		const keys = await Promise.all(Array.from({ length: 100 }, () => newApiKey('live')));
		expect(new Set(keys.map(({ prefix }) => prefix)).size).toBe(100);
	});

	it('is stored only as its SHA-256', async () => {
		const { key, row } = await newKey();
		const [stored] = await query('SELECT * FROM api_keys WHERE id = ?', row.id);
		expect(stored?.key_hash).toBe(await sha256Hex(key));
		expect(JSON.stringify(stored)).not.toContain(key.slice(20));
	});

	it('authenticates its owner with its permissions', async () => {
		const { row } = await newKey({
			userId: 'user_k',
			organizationId: 'org_k',
			permissions: ['PRODUCTS:READ', 'PRODUCTS:DELETE'],
		});
		expect(await principalAt(NOW, row.key_hash)).toEqual({
			userId: 'user_k',
			organizationId: 'org_k',
			permissions: ['PRODUCTS:READ', 'PRODUCTS:DELETE'],
			keyId: row.id,
			clerkSessionId: null,
			sessionId: null,
			appendTypes: [],
			expiresAt: Number.POSITIVE_INFINITY,
		});
	});

	it('is rejected once it expires, even while it is cached', async () => {
		const { row } = await newKey({ expiresAt: iso(NOW + 10 * SECOND) });
		expect(await principalAt(NOW, row.key_hash)).toBeDefined();
		expect(await principalAt(NOW + 10 * SECOND - 1, row.key_hash)).toBeDefined();
		expect(await principalAt(NOW + 10 * SECOND, row.key_hash)).toBeUndefined();
		expect([lookUps(), keyState(row.key_hash, NOW + 10 * SECOND)]).toEqual([1, 'rejected']);
	});

	it('is rejected when its stored expiry is invalid', async () => {
		const { row } = await newKey({ expiresAt: 'soon' });
		expect(await principalAt(NOW, row.key_hash)).toBeUndefined();
	});

	it('works until the end of the grace after a rotation, and never past its own expiry', async () => {
		const { row } = await newKey();
		const { row: short } = await newKey({ expiresAt: iso(NOW + HOUR) });
		for (const { id } of [row, short]) await expireApiKey(db, id, iso(NOW + 24 * HOUR));
		expect(await principalAt(NOW + 24 * HOUR - 1, row.key_hash)).toBeDefined();
		expect(await principalAt(NOW + 24 * HOUR, row.key_hash)).toBeUndefined();
		expect(await principalAt(NOW + HOUR, short.key_hash)).toBeUndefined();
	});
});

describe('the cache of keys', () => {
	it('serves a valid key without a look-up until the entry is stale', async () => {
		const { row } = await newKey();
		for (const seconds of [0, 1, 30, 59]) {
			expect(await principalAt(NOW + seconds * SECOND, row.key_hash)).toBeDefined();
		}
		expect(lookUps()).toBe(1);
		await principalAt(NOW + 60 * SECOND, row.key_hash);
		expect(lookUps()).toBe(2);
	});

	it('accepts a revoked key until the entry is stale', async () => {
		const { row } = await newKey();
		await principalAt(NOW, row.key_hash);
		await revokeApiKey(db, row.id, iso(NOW + SECOND));
		expect(await principalAt(NOW + 59 * SECOND, row.key_hash)).toBeDefined();
		expect(keyState(row.key_hash, NOW + 60 * SECOND)).toBe('accepted');
		expect(await principalAt(NOW + 60 * SECOND, row.key_hash)).toBeUndefined();
		expect(keyState(row.key_hash, NOW + 60 * SECOND)).toBe('rejected');
	});

	it('accepts a key for one session until its entry is stale when its maker is revoked, and no longer than its maker lives', async () => {
		const makers = [await newKey(), await newKey({ expiresAt: iso(NOW + 30 * SECOND) })];
		const made = [];
		for (const { row } of makers) {
			const { keyHash, prefix } = await newApiKey('test');
			made.push(keyHash);
			await storeSessionKey(
				db,
				{ id: 'sess_1', owner: { userId: row.user_id, organizationId: null }, now: iso(NOW) },
				{
					...{ id: `key_of_${row.id}`, keyHash, prefix, appendTypes: ['input.*'] },
					maker: { keyId: row.id, clerkSessionId: null },
					expiresAt: iso(NOW + HOUR),
				},
			);
		}
		const [ofRevoked = '', ofExpiring = ''] = made;
		expect(await principalAt(NOW, ofRevoked)).toMatchObject({
			sessionId: 'sess_1',
			appendTypes: ['input.*'],
			expiresAt: NOW + HOUR,
		});
		expect(await principalAt(NOW, ofExpiring)).toMatchObject({ expiresAt: NOW + 30 * SECOND });
		await revokeApiKey(db, makers[0]?.row.id ?? '', iso(NOW + SECOND));
		expect(await principalAt(NOW + 30 * SECOND - 1, ofExpiring)).toBeDefined();
		expect(await principalAt(NOW + 30 * SECOND, ofExpiring)).toBeUndefined();
		expect(await principalAt(NOW + 59 * SECOND, ofRevoked)).toBeDefined();
		expect(await principalAt(NOW + 60 * SECOND, ofRevoked)).toBeUndefined();
	});

	it('does not hold valid keys at 0 seconds: a revoked key is rejected at once', async () => {
		const { row } = await newKey();
		expect(await principalAt(NOW, row.key_hash)).toBeDefined();
		expect(await principalAt(NOW, row.key_hash, 0)).toBeDefined();
		await revokeApiKey(db, row.id, iso(NOW));
		expect(await principalAt(NOW, row.key_hash, 0)).toBeUndefined();
	});

	it('holds a rejected key for only five seconds, because the key may be created meanwhile', async () => {
		const { row } = await newKey();
		await query('UPDATE api_keys SET key_hash = ? WHERE id = ?', 'elsewhere', row.id);
		for (const seconds of [0, 4]) {
			expect(await principalAt(NOW + seconds * SECOND, row.key_hash)).toBeUndefined();
		}
		expect(lookUps()).toBe(1);
		await query('UPDATE api_keys SET key_hash = ? WHERE id = ?', row.key_hash, row.id);
		expect(await principalAt(NOW + 5 * SECOND, row.key_hash)).toBeDefined();
		expect(keyState(row.key_hash, NOW + 5 * SECOND)).toBe('accepted');
	});

	it('holds a rejected key for five seconds even at 0 seconds, to save the look-ups of retries', async () => {
		for (const seconds of [0, 4]) await principalAt(NOW + seconds * SECOND, 'retried', 0);
		expect(lookUps()).toBe(1);
		await principalAt(NOW + 5 * SECOND, 'retried', 0);
		expect(lookUps()).toBe(2);
	});

	it('holds a rate-limited key for as long as Retry-After told its caller to wait', async () => {
		reject('told_to_wait', NOW + 60 * SECOND);
		expect(keyState('told_to_wait', NOW + 60 * SECOND - 1)).toBe('rejected');
		expect(await principalAt(NOW + 60 * SECOND - 1, 'told_to_wait')).toBeUndefined();
		expect(lookUps()).toBe(0);
		expect(keyState('told_to_wait', NOW + 60 * SECOND)).toBe('unknown');
	});

	it('keeps a valid key when many guesses arrive', async () => {
		const { row } = await newKey();
		await principalAt(NOW, row.key_hash);
		faulty = faultyD1(d1With());
		for (let guess = 0; guess < 2100; guess += 1) await principalAt(NOW, `guess_${guess}`);
		expect(await principalAt(NOW + SECOND, row.key_hash)).toBeDefined();
		// The latest guess is cached. The first ones were evicted.
		await principalAt(NOW + SECOND, 'guess_2099');
		expect(lookUps()).toBe(2100);
		await principalAt(NOW + SECOND, 'guess_0');
		expect(lookUps()).toBe(2101);
	});

	it('keeps a valid key when a caller uses many keys for one session', async () => {
		const { row } = await newKey();
		await principalAt(NOW, row.key_hash);
		const sessionKey: FoundApiKey = {
			id: 'key_1',
			user_id: 'user_1',
			organization_id: null,
			permissions: 'PRODUCTS:READ',
			expires_at: iso(NOW + HOUR),
			last_used_at: iso(NOW),
			session_id: 'sess_1',
			append_types: null,
			maker_expires_at: null,
		};
		faulty = faultyD1(d1With(sessionKey));
		for (let n = 0; n < 2100; n += 1) expect(await principalAt(NOW, `session_key_${n}`)).toBeDefined();
		expect(lookUps()).toBe(2100);
		expect(await principalAt(NOW + SECOND, row.key_hash)).toMatchObject({ userId: row.user_id });
		await principalAt(NOW + SECOND, 'session_key_2099');
		expect(lookUps()).toBe(2100);
	});

	it('holds as many keys for one session with the longest lists of types as take some megabytes', async () => {
		const longest = Array.from({ length: 20 }, (_, n) => `${n}`.padStart(2, '0').repeat(127));
		const key: FoundApiKey = {
			id: 'key_1',
			user_id: 'user_1',
			organization_id: null,
			permissions: 'PRODUCTS:READ',
			expires_at: iso(NOW + HOUR),
			last_used_at: iso(NOW),
			session_id: 'sess_1',
			append_types: JSON.stringify(longest),
			maker_expires_at: null,
		};
		faulty = faultyD1(d1With(key));
		for (let n = 0; n < 400; n += 1) await principalAt(NOW, `long_list_${n}`);
		expect(lookUps()).toBe(400);
		const held = Array.from({ length: 400 }, (_, n) => keyState(`long_list_${n}`, NOW) === 'accepted');
		const count = held.filter(Boolean).length;
		expect(count * longest.join('').length).toBeLessThanOrEqual(1_000_000);
		expect(count).toBeGreaterThan(150);
		expect(held.lastIndexOf(false)).toBe(400 - count - 1);
	});

	it('does not cache a failure of the database', async () => {
		const { row } = await newKey();
		faulty.next = [{ message: 'D1_ERROR: D1 DB is overloaded.', when: 'before' }];
		await expect(principalAt(NOW, row.key_hash)).rejects.toMatchObject({ name: 'DatabaseUnavailable' });
		expect(await principalAt(NOW, row.key_hash)).toBeDefined();
	});
});

describe('the last use of a key', () => {
	const lastUse = async (id: string) =>
		(await query('SELECT last_used_at FROM api_keys WHERE id = ?', id))[0]?.last_used_at;

	it('is written at most once an hour, however often the key is looked up', async () => {
		const { row } = await newKey();
		for (const after of [0, 30 * SECOND, 61 * SECOND, HOUR - 1]) {
			await principalAt(NOW + after, row.key_hash);
			expect(await lastUse(row.id)).toBe(iso(NOW));
		}
		expect(notes()).toBe(1);
		await principalAt(NOW + HOUR, row.key_hash);
		expect([await lastUse(row.id), notes()]).toEqual([iso(NOW + HOUR), 2]);
	});

	it('is written once an hour even without a cache', async () => {
		const { row } = await newKey();
		for (const after of [0, SECOND, HOUR - 1]) await principalAt(NOW + after, row.key_hash, 0);
		expect([await lastUse(row.id), notes()]).toEqual([iso(NOW), 1]);
	});

	it('does not move back when two isolates write it', async () => {
		const { row } = await newKey();
		await query('UPDATE api_keys SET last_used_at = ? WHERE id = ?', iso(NOW + HOUR), row.id);
		await principalAt(NOW, row.key_hash);
		expect(await lastUse(row.id)).toBe(iso(NOW + HOUR));
	});

	it('is not written for a rejected key', async () => {
		const { row } = await newKey({ expiresAt: iso(NOW) });
		await principalAt(NOW, row.key_hash);
		expect(await lastUse(row.id)).toBeNull();
	});

	it('does not change the response when the write fails', async () => {
		const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
		const caller = await newCaller({ fetcher: serviceWith({ DB: faulty.d1 }) });
		faulty.next = [null, null, { message: 'D1_ERROR: no such column', when: 'before' }];
		expect((await caller.call('GET', SESSIONS)).status).toBe(200);
		expect(warn).toHaveBeenCalledOnce();
		expect(String(warn.mock.calls[0])).not.toContain(caller.key);
		warn.mockRestore();
	});

	it('is written after the response, and adds no latency', async () => {
		const caller = await newCaller({ fetcher: serviceWith({ DB: faulty.d1 }) });
		await caller.call('GET', SESSIONS);
		expect(faulty.sql.map(([sql = '']) => /(?:FROM|UPDATE) (\w+)/.exec(sql)?.[0])).toEqual([
			'FROM api_keys',
			'FROM sessions',
			'UPDATE api_keys',
		]);
	});
});
