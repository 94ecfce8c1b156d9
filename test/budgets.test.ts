import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { newTrace, openDatabase } from '../src/database/database.ts';
import { listSessions } from '../src/sessions/store.ts';
import { type Caller, newCaller, SESSIONS } from './support/api.ts';
import { query } from './support/database.ts';
import { faultyD1, serviceWith } from './support/faulty-d1.ts';

/** What calls cost in D1: trips, and rows by D1's own count. Rows are what is paid for, trips what is waited for. */

const MERGE = { 'Content-Type': 'application/merge-patch+json' };

interface Cost {
	trips: number;
	rowsRead: number;
	rowsWritten: number;
}

const counting = faultyD1();
const fetcher = serviceWith({ DB: counting.d1 });

async function costOf(call: () => Promise<unknown>): Promise<Cost> {
	Object.assign(counting, { trips: 0, rowsRead: 0, rowsWritten: 0 });
	await call();
	const { trips, rowsRead, rowsWritten } = counting;
	return { trips, rowsRead, rowsWritten };
}

let caller: Caller;
beforeAll(async () => {
	caller = await newCaller({ fetcher });
	await caller.call('GET', SESSIONS); // From here on the key is known.
});

/** Sessions of one owner by SQL, all alive. Answers the owner. */
async function fillSessions(count: number, userId: string): Promise<void> {
	await query(
		`INSERT INTO sessions (id, user_id, status, created_at, updated_at, expires_at)
		WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
		SELECT printf('sess_%s_%d', ?2, i), ?2, 'intake', printf('2026-01-01T00:00:00.%03dZ', i % 1000),
			'2026-01-01T00:00:00.000Z', '2999-01-01T00:00:00.000Z' FROM n`,
		count,
		userId,
	);
}

async function fillEvents(count: number, sessionId: string): Promise<void> {
	await query(
		`INSERT INTO events (session_id, number, id, type, payload, created_at)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
		SELECT ?2, i, printf('evt_%010d%020d', i, i), 'note', '{}', '2026-01-01T00:00:00.000Z' FROM n`,
		count,
		sessionId,
	);
}

let keys = 0;
/** Keys in rising order: a random one meets a neighbour in the index, or none, and costs a row more or less. */
const nextKey = () => {
	keys += 1;
	return `key-${String(keys).padStart(6, '0')}`;
};

/** The calls on one session, each with what it may cost at the most. */
const calls: [name: string, most: Cost, call: (id: string) => Promise<unknown>][] = [
	['create', { trips: 1, rowsRead: 1, rowsWritten: 5 }, () => caller.create({ prd: { a: 1 } })],
	[
		'create with an Idempotency-Key',
		{ trips: 1, rowsRead: 4, rowsWritten: 6 },
		() => caller.call('POST', SESSIONS, { headers: { 'Idempotency-Key': nextKey() } }),
	],
	[
		'update',
		{ trips: 1, rowsRead: 2, rowsWritten: 2 },
		(id) => caller.call('PATCH', `${SESSIONS}/${id}`, { body: { status: 'generating', plan: { a: 1 } } }),
	],
	[
		'update of an object alone',
		{ trips: 1, rowsRead: 2, rowsWritten: 1 },
		(id) => caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: { a: 2 } } }),
	],
	[
		'merge',
		{ trips: 1, rowsRead: 2, rowsWritten: 1 },
		(id) => caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: { b: 1 } }, headers: MERGE }),
	],
	[
		'merge into the product object, which its hash must follow',
		{ trips: 2, rowsRead: 5, rowsWritten: 1 },
		(id) => caller.call('PATCH', `${SESSIONS}/${id}`, { body: { productObject: { b: 1 } }, headers: MERGE }),
	],
	[
		'update with If-Match',
		{ trips: 1, rowsRead: 4, rowsWritten: 1 },
		(id) => caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: {} }, headers: { 'If-Match': '*' } }),
	],
	['append', { trips: 1, rowsRead: 5, rowsWritten: 3 }, (id) => caller.append(id)],
	[
		'append with an Idempotency-Key',
		{ trips: 1, rowsRead: 6, rowsWritten: 3 },
		(id) =>
			caller.call('POST', `${SESSIONS}/${id}/events`, {
				body: { type: 'note' },
				headers: { 'Idempotency-Key': nextKey() },
			}),
	],
];

describe('a call with a known key', () => {
	it.each(calls)('%s costs at most %j', async (_, most, call) => {
		const { id } = await caller.create();
		await caller.append(id);
		expectWithin(await costOf(() => call(id)), most);
	});

	it('details cost one trip, and a row for each event and one more', async () => {
		const { id } = await caller.create();
		const without = await costOf(() => caller.details(id));
		expectWithin(without, { trips: 1, rowsRead: 4, rowsWritten: 0 });
		for (let n = 0; n < 10; n += 1) await caller.append(id);
		const { trips, rowsRead } = await costOf(() => caller.details(id));
		expect([trips, rowsRead - without.rowsRead]).toEqual([1, 11]);
	});

	it('a page of events costs one trip, and its own rows', async () => {
		const { id } = await caller.create();
		await fillEvents(200, id);
		const { trips, rowsRead } = await costOf(() => caller.call('GET', `${SESSIONS}/${id}/events?limit=10`));
		expect(trips).toBe(1);
		expect(rowsRead).toBeLessThanOrEqual(2 * 11 + 4);
	});

	it('delete costs one trip', async () => {
		const { id } = await caller.create();
		const cost = await costOf(() => caller.call('DELETE', `${SESSIONS}/${id}`));
		expectWithin(cost, { trips: 1, rowsRead: 8, rowsWritten: 8 });
	});

	it('what cannot be a session’s id costs nothing', async () => {
		expect(await costOf(() => caller.call('GET', `${SESSIONS}/nonsense`))).toEqual({
			trips: 0,
			rowsRead: 0,
			rowsWritten: 0,
		});
	});
});

describe('a call with a key that is not known yet', () => {
	it('costs one trip more, and one after the answer that notes the use', async () => {
		const fresh = await newCaller({ fetcher });
		expect((await costOf(() => fresh.create())).trips).toBe(3);
		expect((await costOf(() => fresh.create())).trips).toBe(1);
	});
});

describe('a list', () => {
	it('of 20 reads at most 20 sessions, each with its index entry, besides the count', async () => {
		const userId = 'user_listed';
		await fillSessions(1000, userId);
		const trace = newTrace();
		const owner = { userId, organizationId: null };
		const now = new Date().toISOString();
		const db = openDatabase(env.DB, trace);
		await listSessions(db, { owner, now, status: undefined, limit: 20, offset: 0 });
		expect(trace.trips).toBe(1);
		expect(trace.rowsRead).toBeLessThanOrEqual(2 * 20 + 1000 + 2);
	});
});

describe('growth', () => {
	it('changes nothing of what calls on one session cost: many sessions of the caller’s own and of others', async () => {
		const costs = async () => {
			const all: Cost[] = [];
			for (const [, , call] of calls) {
				const { id } = await caller.create();
				await caller.append(id);
				all.push(await costOf(() => call(id)));
			}
			const { id } = await caller.create();
			all.push(await costOf(() => caller.details(id)));
			all.push(await costOf(() => caller.call('DELETE', `${SESSIONS}/${id}`)));
			return all;
		};
		const small = await costs();
		await fillSessions(5_000, caller.userId);
		await fillSessions(20_000, 'user_other');
		expect(await costs()).toEqual(small);
	});

	it('changes nothing when a session has many events', async () => {
		const { id } = await caller.create();
		await fillEvents(10, id);
		const few = await costOf(() => caller.append(id));
		const other = await caller.create();
		await fillEvents(10_000, other.id);
		expect(await costOf(() => caller.append(other.id))).toEqual(few);
	});
});

function expectWithin(cost: Cost, most: Cost): void {
	for (const name of ['trips', 'rowsRead', 'rowsWritten'] as const) {
		expect(cost[name], `${name} of ${JSON.stringify(cost)}`).toBeLessThanOrEqual(most[name]);
	}
	expect(cost.trips).toBeGreaterThan(0);
}
