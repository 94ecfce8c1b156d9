import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { insertEvents, insertSessions, sessionId } from '../bench/seed.ts';
import { cleanUp } from '../src/cleanup/cleanup.ts';
import type { Bindings } from '../src/core/settings.ts';
import { deliverWoken } from '../src/webhooks/run.ts';
import { type Caller, callerWith, newCaller, SESSIONS } from './support/api.ts';
import { expire, query } from './support/database.ts';
import { serviceWith } from './support/faulty-d1.ts';
import { mcpOf } from './support/mcp.ts';
import { meteredD1 } from './support/metered-d1.ts';
import { receive } from './support/receiver.ts';
import { createWebhook, NO_QUEUE, owing } from './support/webhooks.ts';
import { wrappedD1 } from './support/wrapped-d1.ts';

/** A caller of a service that records D1’s `meta` of each statement. A caller’s first call looks up its key. */
async function meteredCaller(bindings: Partial<Bindings> = {}) {
	const meter = meteredD1(env.DB);
	const caller = await newCaller({ fetcher: serviceWith({ DB: meter.d1, ...bindings }) });
	async function costOf(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
		meter.reset();
		const options = body === undefined ? { headers } : { headers, body };
		const { status, text } = await caller.call(method, SESSIONS + path, options);
		if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
		const { trips, rowsRead, rowsWritten, readByStatement } = meter;
		return { trips, rowsRead, rowsWritten, readByStatement };
	}
	return { caller, costOf, charactersAnswered: () => meter.charactersAnswered };
}

const NO_HISTORY = { HISTORY_BYTES: '0' };
const step = { events: Array.from({ length: 10 }, () => ({ type: 'note' })), patch: { plan: { a: 1 } } };
const calls: [name: string, method: string, path: (id: string) => string, body?: unknown][] = [
	['create', 'POST', () => '', { prd: { title: 'x' } }],
	['update', 'PATCH', (id) => `/${id}`, { plan: { steps: [1] } }],
	['append', 'POST', (id) => `/${id}/events`, { type: 'note', payload: { n: 1 } }],
	['step', 'POST', (id) => `/${id}/steps`, step],
	['step without a patch', 'POST', (id) => `/${id}/steps`, { events: step.events }],
	['details', 'GET', (id) => `/${id}`],
	['details at a version', 'GET', (id) => `/${id}?version=1`],
	['versions', 'GET', (id) => `/${id}/versions`],
	['the events', 'GET', (id) => `/${id}/events`],
	['list', 'GET', () => '?limit=20'],
	['delete', 'DELETE', (id) => `/${id}`],
];

describe('round trips to D1', () => {
	it.each(calls)('%s takes one round trip when the key is cached', async (_, method, path, body) => {
		const { caller, costOf } = await meteredCaller();
		const { id } = await caller.create();
		expect((await costOf(method, path(id), body)).trips).toBe(1);
	});

	it.each(calls)('%s takes two round trips when the key must be looked up', async (_, method, path, body) => {
		const { caller, costOf } = await meteredCaller();
		await query(
			'UPDATE api_keys SET last_used_at = ? WHERE user_id = ?',
			new Date().toISOString(),
			caller.userId,
		);
		const id = sessionId(Math.floor(Math.random() * 1e9));
		await insertSessions(env.DB, { from: Number(id.slice(6)), count: 1, owner: caller.userId, plan: '{}' });
		expect((await costOf(method, path(id), body)).trips).toBe(2);
	});

	it('noting the last use of a key takes one more after the response, once an hour', async () => {
		const { costOf } = await meteredCaller();
		const trips = [];
		for (let n = 0; n < 3; n += 1) trips.push((await costOf('GET', '')).trips);
		expect(trips).toEqual([3, 1, 1]);
	});

	it('a condition, a merge and an Idempotency-Key add none', async () => {
		const { caller, costOf } = await meteredCaller();
		const { id } = await caller.create();
		const merge = { 'Content-Type': 'application/merge-patch+json' };
		const costs = [
			await costOf('PATCH', `/${id}`, { status: 'generating' }, { 'If-Match': '"1"' }),
			await costOf('PATCH', `/${id}`, { plan: { a: 1 } }, merge),
			await costOf('POST', `/${id}/events`, { type: 'note' }, { 'Idempotency-Key': 'k' }),
		];
		expect(costs.map(({ trips }) => trips)).toEqual([1, 1, 1]);
	});

	it('a merge into a product object takes two, to compute the hash of the result', async () => {
		const { caller, costOf } = await meteredCaller();
		const { id } = await caller.create();
		const merge = { 'Content-Type': 'application/merge-patch+json' };
		expect((await costOf('PATCH', `/${id}`, { productObject: { a: 1 } }, merge)).trips).toBe(2);
	});
});

describe('round trips of the tools for agents', () => {
	async function meteredAgent() {
		const meter = meteredD1(env.DB);
		const caller = await newCaller({ fetcher: serviceWith({ DB: meter.d1 }) });
		const { id } = await caller.create({ prd: { a: 1 } });
		return { meter, caller, mcp: mcpOf(caller), id };
	}

	const tools: [
		name: string,
		args: Record<string, unknown>,
		method: string,
		path: (id: string) => string,
		body?: unknown,
	][] = [
		['create_session', { prd: {} }, 'POST', () => '', { prd: {} }],
		['update_session', { plan: { a: 1 } }, 'PATCH', (id) => `/${id}`, { plan: { a: 1 } }],
		['append_event', { type: 'note' }, 'POST', (id) => `/${id}/events`, { type: 'note' }],
		['add_step', step, 'POST', (id) => `/${id}/steps`, step],
		['get_session', {}, 'GET', (id) => `/${id}`],
		['get_session', { pointer: '/prd/a' }, 'GET', (id) => `/${id}?fields=prd`],
		['list_events', {}, 'GET', (id) => `/${id}/events`],
		['list_sessions', {}, 'GET', () => '?limit=20'],
		['list_versions', {}, 'GET', (id) => `/${id}/versions`],
	];
	it.each(tools)('%s takes as many as its call of the REST API', async (name, args, method, path, body) => {
		const { meter, caller, mcp, id } = await meteredAgent();
		meter.reset();
		await mcp.content(name, /create|list_sessions/.test(name) ? args : { sessionId: id, ...args });
		const { trips, rowsWritten } = meter;
		meter.reset();
		await caller.call(method, SESSIONS + path(id), body === undefined ? {} : { body });
		expect({ trips, rowsWritten }).toEqual({ trips: meter.trips, rowsWritten: meter.rowsWritten });
		expect(trips).toBe(1);
	});

	it('a list of sessions reads those on its page, however many the caller has', async () => {
		const { meter, caller, mcp } = await meteredAgent();
		await insertSessions(env.DB, { from: 5_100_000, count: 500, owner: caller.userId, plan: '{}' });
		const beginning = { name: 'id', value: 'sess_' };
		const lists = [
			() => mcp.content('list_sessions', {}),
			() => mcp.request('resources/list'),
			() =>
				mcp.request('completion/complete', {
					ref: { type: 'ref/resource', uri: 'session://{id}' },
					argument: beginning,
				}),
		];
		for (const list of lists) {
			meter.reset();
			await list();
			expect(meter.rowsRead).toBeGreaterThan(20);
			expect(meter.rowsRead).toBeLessThan(110);
		}
	});

	it('lists of tools and prompts take none', async () => {
		const { meter, mcp } = await meteredAgent();
		meter.reset();
		for (const method of ['server/discover', 'tools/list', 'prompts/list', 'resources/templates/list']) {
			await mcp.request(method);
		}
		expect(meter.trips).toBe(0);
	});

	it('wait_for_session takes one if the status is there, and a few in a minute otherwise', async () => {
		const { meter, mcp, id } = await meteredAgent();
		meter.reset();
		await mcp.content('wait_for_session', { sessionId: id, statuses: ['intake'] });
		expect(meter.trips).toBe(1);
		await mcp.content('wait_for_session', { sessionId: id, statuses: ['failed'], timeoutSeconds: 3 });
		expect(meter.trips).toBeLessThanOrEqual(4);
	});
});

describe('rows that D1 reads and writes', () => {
	it('create: the row and its index entries', async () => {
		const { costOf } = await meteredCaller();
		await costOf('GET', '');
		expect((await costOf('POST', '', { prd: {} })).rowsWritten).toBe(5);
		expect((await costOf('POST', '', { prd: {} }, { 'Idempotency-Key': 'k' })).rowsWritten).toBe(6);
	});

	it.each([
		['without history', NO_HISTORY, 2, 0],
		['with history, and one more', {}, 12, 1],
	])('update %s: the row, and an index entry when the status changes', async (_, bindings, read, more) => {
		const { caller, costOf } = await meteredCaller(bindings);
		const { id } = await caller.create();
		const plan = await costOf('PATCH', `/${id}`, { plan: { steps: [1] }, assemblyState: { a: 1 } });
		expect(plan.rowsRead).toBeLessThanOrEqual(read);
		expect(plan.rowsWritten).toBe(1 + more);
		const status = await costOf('PATCH', `/${id}`, { status: 'generating' });
		// Two of them are the look-up for webhooks.
		expect(status.rowsRead).toBeLessThanOrEqual(read + 2);
		expect(status.rowsWritten).toBe(2 + more);
	});

	it('create with an Idempotency-Key while several databases are bound: a note in DB too', async () => {
		const [main, other] = [meteredD1(env.DB), meteredD1(env.FURTHER_1)];
		const fetcher = serviceWith({ DB: main.d1, DB_1: other.d1, PLACEMENT: 'DB_1=weur' });
		const caller = await newCaller({ fetcher });
		await caller.call('GET', SESSIONS);
		main.reset();
		other.reset();
		await caller.call('POST', SESSIONS, { body: { prd: {} }, headers: { 'Idempotency-Key': 'k' } });
		expect([main.rowsWritten, other.rowsWritten]).toEqual([2, 6]);
		expect(main.rowsRead).toBeLessThanOrEqual(2);
	});

	it('append: the row, and an index entry with an Idempotency-Key', async () => {
		const { caller, costOf } = await meteredCaller();
		const { id } = await caller.create();
		expect((await costOf('POST', `/${id}/events`, { type: 'note' })).rowsWritten).toBe(1);
		const keyed = await costOf('POST', `/${id}/events`, { type: 'note' }, { 'Idempotency-Key': 'k' });
		expect(keyed.rowsWritten).toBe(2);
	});

	it('step: as many as its events and its update alone', async () => {
		const { caller, costOf } = await meteredCaller(NO_HISTORY);
		const { id } = await caller.create();
		await caller.call('GET', SESSIONS);
		const costs = [
			await costOf('POST', `/${id}/steps`, step),
			await costOf('POST', `/${id}/steps`, { events: step.events }),
			await costOf('POST', `/${id}/steps`, step, { 'Idempotency-Key': 'k' }),
			await costOf('POST', `/${id}/steps`, step, { 'If-Match': '"3"' }),
			await costOf('POST', `/${id}/steps`, { ...step, patch: { status: 'failed' } }),
		];
		expect(costs.map(({ rowsWritten }) => rowsWritten)).toEqual([11, 10, 12, 11, 12]);
		expect(costs.map(({ trips }) => trips)).toEqual([1, 1, 1, 1, 1]);
		for (const { rowsRead } of costs) expect(rowsRead).toBeLessThanOrEqual(60);
	});

	it('step with a product object: the same in two round trips, and none for a retry', async () => {
		const { caller, costOf } = await meteredCaller(NO_HISTORY);
		const { id } = await caller.create();
		await caller.call('GET', SESSIONS);
		const product = { ...step, patch: { productObject: { a: 1 } } };
		const costs = [
			await costOf('POST', `/${id}/steps`, product, { 'Idempotency-Key': 'k' }),
			await costOf('POST', `/${id}/steps`, product, { 'Idempotency-Key': 'k' }),
		];
		expect(costs.map(({ trips, rowsWritten }) => [trips, rowsWritten])).toEqual([
			[2, 12],
			[2, 0],
		]);
	});

	it.each([
		['with history', {}, 100],
		['without', NO_HISTORY, 80],
	])(
		'the assumed session of docs/scaling.md, with its deletion by the cleanup, %s',
		async (_, bindings, rows) => {
			const { caller, costOf } = await meteredCaller(bindings);
			await caller.call('GET', SESSIONS);
			const runLimits = { CLEANUP_MAX_STATEMENTS: 1000, CLEANUP_MAX_SECONDS: 60 };
			// What other tests have left behind is not of this session.
			await cleanUp(env.DB, Date.now(), runLimits);
			let written = (await costOf('POST', '', { prd: { title: 'x' } })).rowsWritten;
			const [{ id = '' } = {}] = await query<{ id: string }>(
				'SELECT id FROM sessions WHERE user_id = ?',
				caller.userId,
			);
			for (const status of ['generating', 'assembling', 'failed', 'complete']) {
				written += (await costOf('PATCH', `/${id}`, { status })).rowsWritten;
			}
			for (let n = 0; n < 6; n += 1)
				written += (await costOf('PATCH', `/${id}`, { plan: { n } })).rowsWritten;
			for (let n = 0; n < 30; n += 1) {
				written += (await costOf('POST', `/${id}/events`, { type: 'note', payload: { n } })).rowsWritten;
			}
			const meter = meteredD1(env.DB);
			await expire(id);
			await cleanUp(meter.d1, Date.now(), runLimits);
			expect(written + meter.rowsWritten).toBe(rows);
		},
	);

	it('list: the page, and an index entry for each of the caller’s sessions', async () => {
		const { caller, costOf } = await meteredCaller();
		await insertSessions(env.DB, { from: 5_000_000, count: 50, owner: caller.userId, plan: '{}' });
		await costOf('GET', '?limit=20');
		const { readByStatement } = await costOf('GET', '?limit=20');
		expect(readByStatement).toEqual([expect.any(Number), expect.any(Number)]);
		expect(readByStatement[0]).toBeLessThanOrEqual(20);
		expect(readByStatement[1]).toBeLessThanOrEqual(51);
	});
});

describe('webhooks', () => {
	const writes: [
		name: string,
		method: string,
		path: (id: string) => string,
		body: unknown,
		written: number,
	][] = [
		['create', 'POST', () => '', {}, 5],
		['a change of status', 'PATCH', (id) => `/${id}`, { status: 'failed' }, 2],
		['a change without a status', 'PATCH', (id) => `/${id}`, { plan: {} }, 1],
		['append', 'POST', (id) => `/${id}/events`, { type: 'note' }, 1],
		['step', 'POST', (id) => `/${id}/steps`, { events: step.events, patch: { status: 'failed' } }, 12],
		['delete', 'DELETE', (id) => `/${id}`, undefined, 1],
	];
	/** The statements for webhooks of a write, with the rows that D1 reads for each and what they write. */
	async function costsFor(caller: Caller, method: string, path: string, body: unknown) {
		const found: { read: number; written: number }[] = [];
		let [trips, written] = [0, 0];
		const d1 = wrappedD1(env.DB, async (statements, work) => {
			const results = await work();
			trips += 1;
			for (const [at, { meta }] of results.entries()) {
				written += meta.rows_written;
				if (!statements[at]?.sql.includes('webhook')) continue;
				found.push({ read: meta.rows_read, written: meta.rows_written });
			}
			return results;
		});
		const writer = callerWith(caller.key, caller, serviceWith({ DB: d1, ...NO_HISTORY }));
		const { status } = await writer.call(method, SESSIONS + path, body === undefined ? {} : { body });
		expect(status).toBeLessThan(300);
		return { found, trips, written };
	}

	it.each(writes)(
		'%s without webhooks: one look-up in the same trip, and no row written',
		async (_, method, path, body, rows) => {
			const caller = await newCaller({ fetcher: serviceWith({}) });
			for (let n = 0; n < 10; n += 1) await createWebhook(await newCaller());
			const { id } = await caller.create();
			const { found, trips, written } = await costsFor(caller, method, path(id), body);
			const looksUp = !(method === 'PATCH' && !JSON.stringify(body).includes('status'));
			// A step asks for its status and for its events. D1 counts two rows for a look-up that finds nothing.
			const look = { read: 2, written: 0 };
			expect(found).toEqual(path('').endsWith('/steps') ? [look, look] : looksUp ? [look] : []);
			expect([trips, written]).toEqual([1, rows]);
		},
	);

	it('an append with ten webhooks, of which one asks for it: one row more', async () => {
		const caller = await newCaller({ fetcher: serviceWith({ WEBHOOK_QUEUE: undefined as never }) });
		for (let n = 0; n < 9; n += 1) await createWebhook(caller, { events: [`event:other${n}`] });
		await createWebhook(caller, { events: ['event:note'] });
		const { id } = await caller.create();
		const { found, written } = await costsFor(caller, 'POST', `/${id}/events`, { type: 'note' });
		expect([found.map((each) => each.written), written]).toEqual([[1], 2]);
		expect(found[0]?.read).toBeLessThanOrEqual(120);
	});

	it.each([
		[1, 2],
		[20, 2],
		[100, 10],
	])(
		'a delivery of %d messages: %d trips, two rows for each message and two for each round',
		async (messages, trips) => {
			receive();
			const { webhook } = await owing(messages);
			const meter = meteredD1(env.DB);
			const work: Promise<unknown>[] = [];
			const batch = { messages: [{ body: { database: 0, endpoint: webhook.id } }] };
			const bindings = { ...env, ...NO_QUEUE, DB: meter.d1 };
			await deliverWoken(batch as never, bindings, { waitUntil: (promise) => void work.push(promise) });
			await Promise.all(work);
			expect([meter.trips, meter.rowsWritten]).toEqual([trips, 2 * messages + trips]);
		},
	);
});

describe('the result of a D1 query', () => {
	it('does not contain the objects that the caller has just sent', async () => {
		const { caller, costOf, charactersAnswered } = await meteredCaller();
		const object = { text: 'x'.repeat(100_000) };
		await caller.call('GET', SESSIONS);
		await costOf('POST', '', { prd: object });
		expect(charactersAnswered()).toBeLessThan(1000);
		const { id } = await caller.create();
		const update = { plan: object, prd: object, productObject: object, assemblyState: object };
		await costOf('PATCH', `/${id}`, update);
		expect(charactersAnswered()).toBeLessThan(1000);
		expect(await caller.details(id)).toMatchObject(update);
	});
});

describe('a large database', () => {
	/** Fills the database to a number of sessions. A tenth of them belongs to the caller. */
	async function fill(from: number, to: number, owner: string) {
		const own = Math.floor((to - from) / 10);
		await insertSessions(env.DB, { from, count: own, owner, plan: '{}' });
		await insertSessions(env.DB, {
			from: from + own,
			count: to - from - own,
			owner: `other_${to}`,
			plan: '{}',
		});
	}

	it('does not change the cost of a call on one session', async () => {
		const { caller, costOf } = await meteredCaller();
		await caller.call('GET', SESSIONS);
		// Where there is another session, a look-up also reads the first row that is not its own.
		await insertSessions(env.DB, { from: 6_999_999, count: 1, owner: caller.userId, plan: '{}' });
		await costOf('PATCH', `/${sessionId(6_999_999)}`, { plan: { a: 1 } });
		const costs: Record<string, unknown>[] = [];
		let filled = 7_000_000;
		for (const size of [1, 1000, 20_000]) {
			await fill(filled, 7_000_000 + size, caller.userId);
			filled = 7_000_000 + size;
			for (const events of [10, 2000]) {
				const n = 8_000_000 + costs.length;
				await insertSessions(env.DB, { from: n, count: 1, owner: caller.userId, plan: '{}' });
				await insertEvents(env.DB, { sessions: { from: n, count: 1 }, from: 1, count: events });
				const path = `/${sessionId(n)}`;
				costs.push({
					create: await costOf('POST', '', { prd: {} }),
					update: await costOf('PATCH', path, { plan: { a: 1 } }),
					versions: await costOf('GET', `${path}/versions`),
					version: await costOf('GET', `${path}?version=1&fields=plan`),
					append: await costOf('POST', `${path}/events`, { type: 'note' }),
					page: (await costOf('GET', '?limit=20')).readByStatement[0],
				});
			}
		}
		const [{ page: _, ...first } = {}] = costs;
		for (const { page, ...cost } of costs) {
			expect(cost).toEqual(first);
			expect(page).toBeLessThanOrEqual(20);
		}
	});

	it('limits the events that details read and that a deletion removes', async () => {
		const { caller, costOf } = await meteredCaller();
		await caller.call('GET', SESSIONS);
		const costs = [];
		for (const events of [1000, 5000]) {
			const n = 9_000_000 + events;
			await insertSessions(env.DB, { from: n, count: 1, owner: caller.userId, plan: '{}' });
			await insertEvents(env.DB, { sessions: { from: n, count: 1 }, from: 1, count: events });
			costs.push({
				details: await costOf('GET', `/${sessionId(n)}`),
				deletion: await costOf('DELETE', `/${sessionId(n)}`),
			});
		}
		const [few, many] = costs;
		expect(many?.details.rowsRead).toBe(few?.details.rowsRead);
		expect(many?.deletion.rowsWritten).toBeLessThanOrEqual(10);
		expect(few?.deletion.rowsWritten).toBeLessThanOrEqual(1010);
	});

	it('makes an offset cost an index entry for each skipped session', async () => {
		const { caller, costOf } = await meteredCaller();
		await insertSessions(env.DB, { from: 9_500_000, count: 500, owner: caller.userId, plan: '{}' });
		await caller.call('GET', SESSIONS);
		expect((await costOf('GET', '?limit=20&offset=400')).readByStatement[0]).toBeLessThanOrEqual(420);
	});

	it('does not change the cost of a page after a session', async () => {
		const { caller, costOf } = await meteredCaller();
		await insertSessions(env.DB, { from: 9_600_000, count: 500, owner: caller.userId, plan: '{}' });
		await caller.call('GET', SESSIONS);
		for (const n of [9_600_499, 9_600_250, 9_600_030]) {
			for (const status of ['', '&status=intake']) {
				const { trips, readByStatement } = await costOf('GET', `?limit=20&after=${sessionId(n)}${status}`);
				expect(trips).toBe(1);
				expect(readByStatement).toEqual([21]);
			}
		}
	});
});
