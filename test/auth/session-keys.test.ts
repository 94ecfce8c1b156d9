import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { SessionKey } from '../../src/auth/session-keys/schema.ts';
import { type Caller, callerWith, newCaller, SESSIONS, send } from '../support/api.ts';
import { expire, query } from '../support/database.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { caughtUp, followSession, liveService } from '../support/follow.ts';
import { meteredD1 } from '../support/metered-d1.ts';

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

	it('goes with its session', async () => {
		const { caller, made, path } = await holder();
		await caller.call('DELETE', path);
		expect(await query('SELECT id FROM api_keys WHERE id = ?', made.id)).toEqual([]);
	});

	it('makes room for the next: making one deletes those of the session that have expired', async () => {
		const { caller, id, made } = await holder();
		const kept = await makeKey(caller, id);
		await query('UPDATE api_keys SET expires_at = ? WHERE id = ?', inSeconds(-1), made.id);
		const next = await makeKey(caller, id);
		const rows = await query<{ id: string }>('SELECT id FROM api_keys WHERE session_id = ? ORDER BY id', id);
		expect(rows.map((row) => row.id)).toEqual([kept.id, next.id].sort());
	});

	it('costs one trip to make and one to revoke', async () => {
		const meter = meteredD1(env.DB);
		const caller = await newCaller({ fetcher: serviceWith({ DB: meter.d1 }) });
		const { id } = await caller.create();
		meter.reset();
		const made = await makeKey(caller, id);
		expect(meter.trips).toBe(1);
		await caller.call('DELETE', `${keysOf(id)}/${made.id}`);
		expect(meter.trips).toBe(2);
	});

	it('counts its requests against itself, not its maker', async () => {
		const counted: string[] = [];
		const RATE_LIMITER = {
			async limit({ key }: { key: string }) {
				counted.push(key);
				return { success: true };
			},
		} as RateLimit;
		const { caller, guest, made, path } = await holder({ fetcher: serviceWith({ RATE_LIMITER }) });
		counted.length = 0;
		await guest.call('GET', path);
		expect(counted).toEqual([`key:${made.id}`]);
		await caller.call('GET', path);
		expect(counted.at(-1)).toContain(caller.userId);
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
