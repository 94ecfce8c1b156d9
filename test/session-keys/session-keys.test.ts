import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { expireApiKey, revokeApiKey, revokeKeysOfClerkSession } from '../../src/auth/store.ts';
import { cleanUp } from '../../src/cleanup/cleanup.ts';
import { settingsOf } from '../../src/core/settings.ts';
import { openDatabase } from '../../src/database/database.ts';
import type { SessionKey } from '../../src/session-keys/schema.ts';
import { type Caller, callerWith, newCaller, newKey, SESSIONS, send } from '../support/api.ts';
import { expire, query } from '../support/database.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { caughtUp, followSession, liveService } from '../support/follow.ts';
import { meteredD1 } from '../support/metered-d1.ts';
import { newSigningKey, type SigningKey, signToken } from '../support/tokens.ts';

const keysOf = (id: string) => `${SESSIONS}/${id}/keys`;

async function makeKey(caller: Caller, id: string, options: Parameters<Caller['call']>[2] = {}) {
	const answer = await caller.call<SessionKey>('POST', keysOf(id), options);
	expect(answer.status, answer.text).toBe(201);
	return answer.json;
}

/** A caller with a session of one event, and a holder of a key for it. */
async function holder(options: Parameters<typeof newCaller>[0] = {}) {
	const caller = await newCaller(options);
	const { id } = await caller.create();
	const event = await caller.append(id);
	const made = await makeKey(caller, id);
	const { userId, organizationId } = caller;
	const guest = callerWith(made.key, { userId, organizationId }, options.fetcher);
	return { caller, id, event, made, guest, path: `${SESSIONS}/${id}` };
}

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

describe('a key for one session', () => {
	it('reads the session, its events and its stream', async () => {
		const { caller, id, event, guest, path } = await holder();
		expect((await guest.call('GET', path)).json).toEqual(await caller.details(id));
		expect((await guest.call('GET', `${path}/events`)).json).toEqual({ data: [event], hasMore: false });
		expect((await guest.call('HEAD', path)).status).toBe(200);
		const stream = await followSession(guest, id);
		expect(await stream.events(1)).toEqual([event]);
		await caughtUp(stream);
		const next = await caller.append(id);
		expect(await stream.events(1)).toEqual([next]);
		await stream.leave();
	});

	it('cannot read another session, not even one of its maker', async () => {
		const { caller, guest } = await holder();
		const { id } = await caller.create();
		for (const path of [`${SESSIONS}/${id}`, `${SESSIONS}/${id}/events`, `${SESSIONS}/sess_x`]) {
			expect(await guest.call('GET', path)).toMatchObject({
				status: 404,
				json: { code: 'SESSION_NOT_FOUND' },
			});
		}
		const stream = await followSession(guest, id).catch(() => undefined);
		expect(stream?.response.status).toBe(404);
	});

	it('may neither list nor write nor make or revoke keys', async () => {
		const { caller, id, made, guest, path } = await holder();
		const { id: other } = await caller.create();
		const refused: [method: string, path: string, body?: unknown][] = [
			['GET', SESSIONS],
			['POST', SESSIONS, {}],
			['PATCH', path, { status: 'failed' }],
			['DELETE', path],
			['POST', `${path}/events`, { type: 'note' }],
			['POST', keysOf(id), {}],
			['POST', keysOf(other), {}],
			['DELETE', `${keysOf(id)}/${made.id}`],
		];
		for (const [method, to, body] of refused) {
			const answer = await guest.call(method, to, body === undefined ? {} : { body });
			expect(answer, `${method} ${to}`).toMatchObject({ status: 403, json: { code: 'FORBIDDEN' } });
		}
		expect((await caller.details(id)).status).toBe('intake');
	});

	it('has the usual form, in the environment of its maker', async () => {
		const { made } = await holder();
		expect(made.key).toMatch(/^rt_test_[0-9a-f]{72}$/);
		expect(Object.keys(made)).toEqual(['expiresAt', 'id', 'key']);
		const [row] = await query('SELECT * FROM api_keys WHERE id = ?', made.id);
		expect(JSON.stringify(row)).not.toContain(made.key);
	});

	it('expires after an hour, or when it was asked to, and never after the session', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const near = (time: string, seconds: number) =>
			expect(Math.abs(Date.parse(time) - Date.parse(inSeconds(seconds)))).toBeLessThan(30_000);
		near((await makeKey(caller, id)).expiresAt, 3600);
		near((await makeKey(caller, id, { body: {} })).expiresAt, 3600);
		near((await makeKey(caller, id, { body: { expiresInSeconds: 60 } })).expiresAt, 60);
		near((await makeKey(caller, id, { body: { expiresInSeconds: 86_400 } })).expiresAt, 86_400);
		const end = inSeconds(600);
		await expire(id, end);
		expect((await makeKey(caller, id)).expiresAt).toBe(end);
	});

	it('returns 400 when the time is too short, too long or not a whole number', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		for (const expiresInSeconds of [59, 86_401, 60.5, -1, '3600', null, 1e300]) {
			const answer = await caller.call('POST', keysOf(id), { body: { expiresInSeconds } });
			expect(answer, String(expiresInSeconds)).toMatchObject({
				status: 400,
				json: { code: 'VALIDATION_ERROR' },
			});
			expect(answer.json).toHaveProperty('details.0.path', 'expiresInSeconds');
		}
	});

	it('can be made by every caller that may read the session, and by no other', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const make = async (options: Parameters<typeof newCaller>[0]) =>
			(await (await newCaller(options)).call('POST', keysOf(id))).status;
		expect(await make({ userId: caller.userId, permissions: ['PRODUCTS:READ'] })).toBe(201);
		expect(await make({ userId: caller.userId, permissions: ['PRODUCTS:WRITE', 'PRODUCTS:DELETE'] })).toBe(
			403,
		);
		expect(await make({ userId: caller.userId, organizationId: 'org_1' })).toBe(404);
		expect(await make({})).toBe(404);
		expect((await send(keysOf(id), { method: 'POST' })).status).toBe(401);
		await expire(id);
		expect(await make({ userId: caller.userId })).toBe(404);
	});

	it('stops at its expiry', async () => {
		const fetcher = serviceWith({ KEY_CACHE_SECONDS: '0' });
		const { guest, made, path } = await holder({ fetcher });
		expect((await guest.call('GET', path)).status).toBe(200);
		await query('UPDATE api_keys SET expires_at = ? WHERE id = ?', inSeconds(-1), made.id);
		expect((await guest.call('GET', path)).status).toBe(401);
	});

	it('reads nothing once its session is deleted, and leaves the deletion to the cleanup', async () => {
		const { caller, made, guest, path } = await holder();
		await caller.call('DELETE', path);
		expect((await guest.call('GET', path)).status).toBe(404);
		const isStored = async () => (await query('SELECT id FROM api_keys WHERE id = ?', made.id)).length === 1;
		expect(await isStored()).toBe(true);
		await cleanUp(env.DB, Date.now(), settingsOf(env));
		expect(await isStored()).toBe(true);
		await cleanUp(env.DB, Date.parse(made.expiresAt), settingsOf(env));
		expect(await isStored()).toBe(false);
	});

	it('costs two trips to make and two to revoke: one to the session’s database, and one to the database of the keys', async () => {
		const meter = meteredD1(env.DB);
		const caller = await newCaller({ fetcher: serviceWith({ DB: meter.d1 }) });
		const { id } = await caller.create();
		meter.reset();
		const made = await makeKey(caller, id);
		expect(meter.trips).toBe(2);
		expect(meter.rowsWritten).toBe(5);
		await caller.call('DELETE', `${keysOf(id)}/${made.id}`);
		expect(meter.trips).toBe(4);
	});

	it('is looked up together with its maker in one trip', async () => {
		const meter = meteredD1(env.DB);
		const { guest, path, made } = await holder({
			fetcher: serviceWith({ DB: meter.d1, KEY_CACHE_SECONDS: '0' }),
		});
		await query('UPDATE api_keys SET last_used_at = ? WHERE id = ?', new Date().toISOString(), made.id);
		meter.reset();
		expect((await guest.call('GET', path)).status).toBe(200);
		expect(meter.trips).toBe(2);
		expect(meter.readByStatement[0]).toBeLessThanOrEqual(2);
	});

	it('counts its requests as its maker’s, and before that against a limit of its own', async () => {
		const counted: string[] = [];
		const limiterOf = (name: string) =>
			({
				async limit({ key }: { key: string }) {
					counted.push(`${name} ${key}`);
					return { success: true };
				},
			}) as RateLimit;
		const fetcher = serviceWith({
			RATE_LIMITER: limiterOf('callers'),
			SESSION_KEY_LIMITER: limiterOf('session keys'),
		});
		const { caller, guest, made, path } = await holder({ fetcher });
		counted.length = 0;
		await guest.call('GET', path);
		const ofCaller = `callers caller:${JSON.stringify([caller.userId, null])}`;
		expect(counted).toEqual([`session keys session-key:${made.id}`, ofCaller]);
		counted.length = 0;
		await caller.call('GET', path);
		expect(counted).toEqual([ofCaller]);
	});

	it('does not multiply its maker’s limit, and cannot use it up alone', async () => {
		const limiterOf = (limit: number) => {
			const counts = new Map<string, number>();
			return {
				async limit({ key }: { key: string }) {
					counts.set(key, (counts.get(key) ?? 0) + 1);
					return { success: Number(counts.get(key)) <= limit };
				},
			} as RateLimit;
		};
		const fetcher = serviceWith({ RATE_LIMITER: limiterOf(30), SESSION_KEY_LIMITER: limiterOf(5) });
		const { caller, id, guest, path } = await holder({ fetcher });
		const guests = [guest];
		for (let n = 0; n < 6; n += 1) guests.push(callerWith((await makeKey(caller, id)).key, caller, fetcher));
		const allowed = async (by: Caller) => {
			let count = 0;
			while (count < 100 && (await by.call('GET', path)).status === 200) count += 1;
			return count;
		};
		// Creating the session, its event and the seven keys has taken 9 requests.
		expect(await allowed(guest)).toBe(5);
		expect((await caller.call('GET', path)).status).toBe(200);
		const counts = [];
		for (const each of guests.slice(1)) counts.push(await allowed(each));
		expect(counts).toEqual([5, 5, 5, 0, 0, 0]);
		expect((await caller.call('GET', path)).status).toBe(429);
	});
});

describe('a key for one session and the credentials that made it', () => {
	const uncached = serviceWith({ KEY_CACHE_SECONDS: '0' });
	const db = openDatabase(env.DB);
	const makerOf = async ({ userId }: Caller) => {
		const [row] = await query<{ id: string }>(
			'SELECT id FROM api_keys WHERE user_id = ? AND session_id IS NULL',
			userId,
		);
		return row?.id ?? '';
	};
	const ends: [string, (maker: string) => Promise<unknown>][] = [
		['is revoked', (maker) => revokeApiKey(db, maker, new Date().toISOString())],
		['expires', (maker) => expireApiKey(db, maker, inSeconds(-1))],
		['is rotated without a grace', (maker) => expireApiKey(db, maker, new Date().toISOString())],
		['is gone', (maker) => query('DELETE FROM api_keys WHERE id = ?', maker)],
		[
			'has an expiry that is not a time',
			(maker) => query("UPDATE api_keys SET expires_at = 'soon' WHERE id = ?", maker),
		],
	];

	it.each(ends)('stops when its maker %s', async (_, end) => {
		const { caller, guest, path } = await holder({ fetcher: uncached });
		expect((await guest.call('GET', path)).status).toBe(200);
		await end(await makerOf(caller));
		expect((await guest.call('GET', path)).status).toBe(401);
	});

	it('ends the streams that it has open when its maker is revoked', async () => {
		const fetcher = liveService({ KEY_CACHE_SECONDS: '0' });
		const { caller, id, guest } = await holder({ fetcher });
		const stream = await caughtUp(await followSession(guest, id, { fetcher }));
		await revokeApiKey(db, await makerOf(caller), new Date().toISOString());
		expect(await stream.rest()).toEqual([]);
	});

	it('works until its maker’s grace ends, and is cached no longer', async () => {
		const { caller, guest, path } = await holder();
		await expireApiKey(db, await makerOf(caller), inSeconds(30));
		expect((await guest.call('GET', path)).status).toBe(200);
		const now = Date.now();
		vi.spyOn(Date, 'now').mockImplementation(() => now + 31_000);
		// The isolate would cache the key for 60 seconds.
		expect((await guest.call('GET', path)).status).toBe(401);
	});

	it('never expires after its maker', async () => {
		const expiresAt = inSeconds(600);
		const caller = await newCaller({ expiresAt });
		const { id } = await caller.create();
		expect((await makeKey(caller, id)).expiresAt).toBe(expiresAt);
		expect((await makeKey(caller, id, { body: { expiresInSeconds: 86_400 } })).expiresAt).toBe(expiresAt);
	});

	it('does not depend on another key of the same caller', async () => {
		const { caller, guest, path } = await holder({ fetcher: uncached });
		const other = await newKey({ userId: caller.userId });
		await revokeApiKey(db, other.row.id, new Date().toISOString());
		expect((await guest.call('GET', path)).status).toBe(200);
	});

	describe('of Clerk', () => {
		let signer: SigningKey;
		beforeAll(async () => {
			signer = await newSigningKey();
		});
		/** A caller with a token that is valid for so many seconds. */
		const clerkCaller = async (seconds: number, claims: Record<string, unknown> = {}) => {
			const now = Math.floor(Date.now() / 1000);
			const lifetime = { exp: now + seconds, iat: now, nbf: now - 10 };
			const token = await signToken(signer, { ...lifetime, ...claims });
			return callerWith(
				token,
				{ userId: 'user_1', organizationId: null },
				serviceWith({ CLERK_JWT_KEY: signer.pem }),
			);
		};
		const lifeOf = ({ expiresAt }: SessionKey) => (Date.parse(expiresAt) - Date.now()) / 1000;

		it('notes the Clerk session, and expires after an hour at the latest', async () => {
			const caller = await clerkCaller(60, { sid: 'sess_signed_in' });
			const { id } = await caller.create();
			const made = await makeKey(caller, id, { body: { expiresInSeconds: 86_400 } });
			expect(Math.abs(lifeOf(made) - 3600)).toBeLessThan(30);
			const [row] = await query('SELECT * FROM api_keys WHERE id = ?', made.id);
			expect(row).toMatchObject({ maker_key_id: null, maker_clerk_session_id: 'sess_signed_in' });
			const guest = callerWith(made.key, caller, uncached);
			expect((await guest.call('GET', `${SESSIONS}/${id}`)).status).toBe(200);
		});

		it('stops when the keys of the Clerk session are revoked', async () => {
			const [one, two] = [
				await clerkCaller(60, { sid: 'sess_one' }),
				await clerkCaller(60, { sid: 'sess_two' }),
			];
			const { id } = await one.create();
			const guests = [];
			for (const caller of [one, one, two]) {
				guests.push(callerWith((await makeKey(caller, id)).key, one, uncached));
			}
			expect(await revokeKeysOfClerkSession(db, 'sess_one', new Date().toISOString())).toBe(2);
			expect(await revokeKeysOfClerkSession(db, 'sess_one', new Date().toISOString())).toBe(0);
			const statuses = [];
			for (const guest of guests) statuses.push((await guest.call('GET', `${SESSIONS}/${id}`)).status);
			expect(statuses).toEqual([401, 401, 200]);
		});

		it('expires with a token that names no Clerk session', async () => {
			const caller = await clerkCaller(120, { sid: undefined });
			const { id } = await caller.create();
			expect(lifeOf(await makeKey(caller, id))).toBeLessThanOrEqual(120);
		});
	});
});

describe('the number of keys for one session', () => {
	/** Stores so many keys of a session by SQL, which expire at a time. */
	const fill = (id: string, count: number, expiresAt: string) =>
		query(
			`INSERT INTO api_keys (id, key_hash, prefix, user_id, permissions, created_at, expires_at, session_id)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
			SELECT 'key_' || ?2 || ?3 || i, 'hash_' || ?2 || ?3 || i, 'p', 'u', 'PRODUCTS:READ', '2026', ?3, ?2 FROM n`,
			count,
			id,
			expiresAt,
		);
	const full = { status: 403, json: { code: 'QUOTA_EXCEEDED' } };

	it('is 100 at most, of those that have not expired', async () => {
		const caller = await newCaller();
		const [{ id }, { id: other }] = [await caller.create(), await caller.create()];
		await fill(id, 500, inSeconds(-1));
		await fill(id, 99, inSeconds(3600));
		await makeKey(caller, id);
		expect(await caller.call('POST', keysOf(id))).toMatchObject(full);
		await makeKey(caller, other);
	});

	it('is not exceeded by requests at the same time', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await fill(id, 90, inSeconds(3600));
		const answers = await Promise.all(Array.from({ length: 30 }, () => caller.call('POST', keysOf(id))));
		expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
		expect(answers.filter(({ status }) => status === 403)).toHaveLength(20);
	});

	it('leaves room for another key when one is revoked, or its maker has ended', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await fill(id, 98, inSeconds(3600));
		const made = await makeKey(caller, id);
		const { key, row } = await newKey({ userId: caller.userId });
		await makeKey(callerWith(key, caller), id);
		expect(await caller.call('POST', keysOf(id))).toMatchObject(full);
		await caller.call('DELETE', `${keysOf(id)}/${made.id}`);
		await revokeApiKey(openDatabase(env.DB), row.id, new Date().toISOString());
		await makeKey(caller, id);
		await makeKey(caller, id);
		expect(await caller.call('POST', keysOf(id))).toMatchObject(full);
	});

	it('is counted in a bounded number of index entries, however many keys are stored', async () => {
		const meter = meteredD1(env.DB);
		const caller = await newCaller({ fetcher: serviceWith({ DB: meter.d1 }) });
		const { id } = await caller.create();
		await fill(id, 20_000, inSeconds(-1));
		await fill(id, 50, inSeconds(3600));
		meter.reset();
		await makeKey(caller, id);
		// The session, the keys that are counted, and the new key.
		expect(meter.rowsRead).toBeLessThanOrEqual(1 + 50 + 2);
		await fill(id, 20_000, inSeconds(7200));
		meter.reset();
		expect(await caller.call('POST', keysOf(id))).toMatchObject(full);
		expect(meter.rowsRead).toBeLessThanOrEqual(600);
	});

	it('does not change the cost of deleting the session', async () => {
		const meter = meteredD1(env.DB);
		const caller = await newCaller({ fetcher: serviceWith({ DB: meter.d1 }) });
		const costs = [];
		for (const keys of [0, 20_000]) {
			const { id } = await caller.create();
			await fill(id, keys, inSeconds(3600));
			meter.reset();
			await caller.call('DELETE', `${SESSIONS}/${id}`);
			costs.push([meter.rowsRead, meter.rowsWritten]);
		}
		expect(costs[1]).toEqual(costs[0]);
	});
});

describe('revoking a key for one session', () => {
	it('stops it, and ends the streams that it has open', async () => {
		const fetcher = liveService({ KEY_CACHE_SECONDS: '0' });
		const { caller, id, made, guest, path } = await holder({ fetcher });
		const stream = await caughtUp(await followSession(guest, id, { fetcher }));
		const answer = await caller.call('DELETE', `${keysOf(id)}/${made.id}`);
		expect([answer.status, answer.json]).toEqual([200, { success: true }]);
		expect((await guest.call('GET', path)).status).toBe(401);
		expect(await stream.rest()).toEqual([]);
	});

	it('succeeds again, and leaves the time of the first', async () => {
		const { caller, id, made } = await holder();
		const revokedAt = async () => query('SELECT revoked_at FROM api_keys WHERE id = ?', made.id);
		await caller.call('DELETE', `${keysOf(id)}/${made.id}`);
		const first = await revokedAt();
		expect((await caller.call('DELETE', `${keysOf(id)}/${made.id}`)).status).toBe(200);
		expect(await revokedAt()).toEqual(first);
	});

	it('finds neither a key of another session nor a key of another kind', async () => {
		const { caller, id, made } = await holder();
		const { id: other } = await caller.create();
		const [own] = await query<{ id: string }>(
			'SELECT id FROM api_keys WHERE user_id = ? AND session_id IS NULL',
			caller.userId,
		);
		for (const path of [`${keysOf(other)}/${made.id}`, `${keysOf(id)}/${own?.id}`]) {
			expect(await caller.call('DELETE', path)).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } });
		}
		expect((await caller.call('DELETE', `${keysOf(id)}/key_1`)).status).toBe(400);
		const stranger = await newCaller();
		expect(await stranger.call('DELETE', `${keysOf(id)}/${made.id}`)).toMatchObject({
			status: 404,
			json: { code: 'SESSION_NOT_FOUND' },
		});
		expect((await caller.call('GET', SESSIONS)).status).toBe(200);
	});
});
