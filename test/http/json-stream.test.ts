import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventPage } from '../../src/events/schema.ts';
import type { SessionDetails, SessionList } from '../../src/sessions/schema.ts';
import { type Caller, newCaller, ORIGIN, SESSIONS } from '../support/api.ts';
import { query } from '../support/database.ts';
import { faultyD1 } from '../support/faulty-d1.ts';
import { liveService } from '../support/follow.ts';
import { meteredD1 } from '../support/metered-d1.ts';
import { until } from '../support/until.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

const OBJECTS = ['assemblyState', 'plan', 'prd', 'productObject'] as const;
/** An object of 400,000 bytes, the maximum. It is full of multibyte characters. */
const full = (name: string) => ({ name, text: 'é'.repeat(199_980 - name.length / 2) });

async function createFull(caller: Caller, name = 'one') {
	const { id } = await caller.create();
	for (const field of OBJECTS) {
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { [field]: full(`${name} ${field}`) } });
	}
	const { events: _, ...session } = await caller.details(id);
	return session;
}

/** Inserts large events by SQL, as many calls would append them. */
const appendLarge = (id: string, count: number) =>
	query(
		`INSERT INTO events (session_id, position, id, type, payload, created_at)
		WITH RECURSIVE e (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM e WHERE n < ?2)
		SELECT ?1, n, printf('evt_%010d00000000000000000000', n), 'note', ?3, '2026-01-02T00:00:00.000Z' FROM e`,
		id,
		count,
		JSON.stringify({ text: 'x'.repeat(60_000) }),
	);

async function metered() {
	const meter = meteredD1(env.DB);
	const fetcher = liveService({ DB: meter.d1 });
	const caller = await newCaller({ fetcher });
	await caller.call('GET', SESSIONS);
	return { meter, fetcher, caller };
}

const get = (caller: Caller, path: string) =>
	new Request(ORIGIN + SESSIONS + path, { headers: { Authorization: caller.key } });

describe('a response of any size', () => {
	it('takes one round trip when everything fits, however large a single session is', async () => {
		const { meter, caller } = await metered();
		const { id } = await caller.create();
		for (let n = 0; n < 3; n += 1) await caller.create();
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: full('plan') } });
		meter.reset();
		const { json } = await caller.call<SessionList>('GET', `${SESSIONS}?limit=100`);
		expect([json.data.length, meter.trips]).toEqual([4, 1]);
	});

	it('returns a whole list in further round trips of at most one full object each', async () => {
		const { meter, caller } = await metered();
		const sessions = [];
		for (const name of ['a', 'b', 'c']) {
			sessions.unshift(await createFull(caller, name));
			sessions.unshift(await caller.create({ catalogVersion: name }));
		}
		meter.reset();
		const { json, headers } = await caller.call<SessionList>('GET', SESSIONS);
		expect(json).toEqual({ data: sessions, pagination: { limit: 20, offset: 0, total: 6 } });
		expect(headers.get('Content-Length')).toBeNull();
		expect(meter.trips).toBe(1 + 3 * OBJECTS.length);
	});

	it('reads as much in a further round trip as one full object has', async () => {
		const { meter, caller } = await metered();
		for (let n = 0; n < 6; n += 1) {
			const { id } = await caller.create();
			for (const field of ['prd', 'plan'] as const) {
				await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { [field]: { text: 'x'.repeat(99_000) } } });
			}
		}
		meter.reset();
		const { json } = await caller.call<SessionList>('GET', `${SESSIONS}?limit=100`);
		expect(json.data.map(({ prd, plan }) => prd?.text === plan?.text)).toEqual(Array(6).fill(true));
		expect(meter.trips).toBe(1 + 3);
	});

	it('reads two large objects, and nothing of the others, for a list of both', async () => {
		const { meter, caller } = await metered();
		const sessions = [await createFull(caller, 'a'), await createFull(caller, 'b')].reverse();
		meter.reset();
		const { json } = await caller.call<SessionList>('GET', `${SESSIONS}?fields=prd,status,plan`);
		expect(json.data).toEqual(sessions.map(({ plan, prd, status }) => ({ plan, prd, status })));
		expect([meter.trips, meter.charactersAnswered < 1_000_000]).toEqual([5, true]);
	});

	it('returns each session of a list in one version, whatever happens between the reads of its objects', async () => {
		let patch: (() => Promise<unknown>) | undefined;
		let trips = 0;
		const d1 = wrappedD1(env.DB, async (_, work) => {
			trips += 1;
			const results = await work();
			// The third trip has read the second object of the first session.
			if (trips === 3) await patch?.();
			return results;
		});
		const fetcher = liveService({ DB: d1 });
		const caller = await newCaller({ fetcher });
		await createFull(caller, 'last');
		const { id } = await createFull(caller, 'first');
		// A request would wait for its turn until the list's trip has ended.
		patch = async () => {
			patch = undefined;
			await query(
				`UPDATE sessions SET prd = '{"new":"prd"}', plan = '{"new":"plan"}', product_object = '{"new":"productObject"}',
					assembly_state = '{"new":"assemblyState"}', status = 'failed', version = version + 1 WHERE id = ?`,
				id,
			);
		};
		trips = 0;
		const { json } = await caller.call<SessionList>('GET', SESSIONS);
		expect(patch).toBeUndefined();
		expect(json.data.map(({ assemblyState }) => assemblyState)).toEqual([
			{ new: 'assemblyState' },
			full('last assemblyState'),
		]);
		expect(json.data[0]).toMatchObject({
			status: 'failed',
			plan: { new: 'plan' },
			productObject: { new: 'productObject' },
		});
	});

	it('returns whole details and a whole page of events, in order', async () => {
		const caller = await newCaller();
		const session = await createFull(caller);
		await appendLarge(session.id, 50);
		const path = `${SESSIONS}/${session.id}`;
		const { json, headers } = await caller.call<SessionDetails>('GET', path);
		const { events, ...fields } = json;
		expect(fields).toEqual(session);
		expect(events.map(({ id }) => Number(id.slice(4, 14)))).toEqual(
			Array.from({ length: 50 }, (_, n) => n + 1),
		);
		expect(headers.get('ETag')).toBe('"5.50"');
		const page = (await caller.call<EventPage>('GET', `${path}/events?limit=40`)).json;
		expect(page).toEqual({ data: events.slice(0, 40), hasMore: true });
	});

	it('queries further rows only when the client has read the earlier ones', async () => {
		const { meter, fetcher, caller } = await metered();
		const { id } = await caller.create();
		await appendLarge(id, 100);
		meter.reset();
		const reader = (await fetcher(get(caller, `/${id}`))).body?.getReader();
		await reader?.read();
		await new Promise((resolve) => setTimeout(resolve, 100));
		expect(meter.trips).toBeLessThanOrEqual(2);
		for (let ended = false; !ended; ) ended = (await reader?.read())?.done ?? true;
		expect(meter.trips).toBe(8);
	});

	it('leaves out a session that is deleted meanwhile, and returns the new state of one that changes', async () => {
		const { fetcher, caller } = await metered();
		const [last, gone, first] = [
			await createFull(caller, 'x'),
			await createFull(caller, 'y'),
			await createFull(caller, 'z'),
		];
		const small = await caller.create();
		const response = await fetcher(get(caller, ''));
		await caller.call('DELETE', `${SESSIONS}/${gone.id}`);
		await caller.call('PATCH', `${SESSIONS}/${last.id}`, { body: { plan: { new: true }, status: 'failed' } });
		const { data } = (await response.json()) as SessionList;
		expect(data.map(({ id }) => id)).toEqual([small.id, first.id, last.id]);
		expect(data[2]).toMatchObject({ plan: { new: true }, status: 'failed', prd: last.prd });
	});

	it('reads a session that has grown meanwhile in round trips of its own', async () => {
		let grow: (() => Promise<unknown>) | undefined;
		let trips = 0;
		const d1 = wrappedD1(env.DB, async (_, work) => {
			trips += 1;
			const results = await work();
			// The second trip has read the first session.
			if (trips === 2) await grow?.();
			return results;
		});
		const caller = await newCaller({ fetcher: liveService({ DB: d1 }) });
		const ids: string[] = [];
		for (let n = 0; n < 4; n += 1) {
			const { id } = await caller.create();
			await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: full('plan') } });
			ids.unshift(id);
		}
		// A request would take turns with the list.
		grow = async () => {
			grow = undefined;
			await query(
				'UPDATE sessions SET prd = ?, version = version + 1 WHERE user_id = ?',
				JSON.stringify(full('prd')),
				caller.userId,
			);
		};
		trips = 0;
		const { data } = (await caller.call<SessionList>('GET', SESSIONS)).json;
		expect(data.map(({ id, plan }) => [id, plan?.name])).toEqual(ids.map((id) => [id, 'plan']));
		expect(data.map(({ prd }) => prd?.name)).toEqual([undefined, 'prd', 'prd', 'prd']);
		// For each of the others, one round trip finds out that it has grown, and two read its objects.
		expect(trips).toBe(2 + 9);
	});

	it('sends no body and reads no further rows for HEAD', async () => {
		const { meter, caller } = await metered();
		const { id } = await caller.create();
		await appendLarge(id, 50);
		meter.reset();
		const { status, text, headers } = await caller.call('HEAD', `${SESSIONS}/${id}`);
		expect([status, text, headers.get('ETag'), meter.trips]).toEqual([200, '', '"1.50"', 1]);
	});
});

describe('a response that fails after its start', () => {
	const lines: Record<string, unknown>[] = [];
	beforeEach(() => {
		lines.length = 0;
		for (const level of ['info', 'error'] as const) {
			vi.spyOn(console, level).mockImplementation((line) => void lines.push(JSON.parse(line)));
		}
	});
	afterEach(() => vi.restoreAllMocks());

	it('breaks off, and is logged as an error with its request id', async () => {
		const d1 = faultyD1();
		const fetcher = liveService({ DB: d1.d1 });
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		await appendLarge(id, 50);
		lines.length = 0;
		d1.next = [
			null,
			...Array.from({ length: 2 }, () => ({ message: 'Network connection lost', when: 'before' as const })),
		];
		const response = await fetcher(get(caller, `/${id}`));
		expect(response.status).toBe(200);
		await expect(response.text()).rejects.toThrow();
		const requestId = response.headers.get('X-Request-Id');
		await until(() => expect(lines).toHaveLength(2));
		expect(lines).toMatchObject([
			{ level: 'error', message: 'A response was broken off.', requestId },
			{ message: 'request', requestId, status: 200, d1Trips: 3 },
		]);
	});

	it('breaks off when the session is deleted while its events are sent', async () => {
		const { fetcher, caller } = await metered();
		const { id } = await caller.create();
		await appendLarge(id, 50);
		for (const path of ['', '/events']) {
			const response = await fetcher(get(caller, `/${id}${path}`));
			await query('DELETE FROM events WHERE session_id = ? AND position > 20', id);
			await expect(response.text()).rejects.toThrow();
			await query('DELETE FROM events WHERE session_id = ?', id);
			await appendLarge(id, 50);
		}
	});

	it('is not logged as an error when the client disconnects', async () => {
		const { meter, fetcher, caller } = await metered();
		const { id } = await caller.create();
		await appendLarge(id, 100);
		lines.length = 0;
		meter.reset();
		const reader = (await fetcher(get(caller, `/${id}`))).body?.getReader();
		await reader?.read();
		await reader?.cancel();
		await until(() => expect(lines).toMatchObject([{ message: 'request', status: 200 }]));
		expect(meter.trips).toBeLessThan(5);
	});
});
