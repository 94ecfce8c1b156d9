import { env } from 'cloudflare:workers';
import { beforeAll, expect, it, vi } from 'vitest';
import { issueKey } from '../../src/auth/issue-key.ts';
import { expireApiKey, listApiKeys, readApiKey, revokeApiKey } from '../../src/auth/store.ts';
import { cleanUpAll } from '../../src/cleanup/all.ts';
import { cleanUp } from '../../src/cleanup/cleanup.ts';
import type { Bindings } from '../../src/core/settings.ts';
import { openDatabase } from '../../src/database/database.ts';
import { runWebhooks } from '../../src/webhooks/run.ts';
import type { DeliveryPage } from '../../src/webhooks/schema.ts';
import { type Caller, type Fetcher, newCaller, SESSIONS } from '../support/api.ts';
import { expire, query } from '../support/database.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { followSession, liveService } from '../support/follow.ts';
import { receive } from '../support/receiver.ts';
import { FIVE, from, PLACES } from '../support/several-databases.ts';
import { createWebhook, WEBHOOKS } from '../support/webhooks.ts';
import { type SentStatement, wrappedD1 } from '../support/wrapped-d1.ts';

const MERGE = { 'Content-Type': 'application/merge-patch+json' };
const STREAM = { Accept: 'text/event-stream' };

/** Every statement that the scripted run has sent, by its SQL. */
const sent = new Map<string, SentStatement>();

const recorded = (d1: D1Database): D1Database =>
	wrappedD1(d1, (statements, work) => {
		for (const statement of statements) sent.set(statement.sql, statement);
		return work();
	});

const text = 'x'.repeat(300_000);

/** Makes each call in each form that has a statement of its own. */
async function callAll(caller: Caller, fetcher: Fetcher): Promise<void> {
	const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
		const answer = await caller.call(
			method,
			SESSIONS + path,
			body === undefined ? { headers } : { body, headers },
		);
		if (answer.status >= 500) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
		return answer;
	};
	const { id } = await caller.create({ prd: { text }, plan: {} } as object);
	await call('POST', '', {}, { 'Idempotency-Key': 'create' });
	for (const patch of [
		{ plan: { text } },
		{ status: 'failed', productObject: { text } },
		{ assemblyState: { text } },
	]) {
		await call('PATCH', `/${id}`, patch);
	}
	for (const query of ['', '?status=failed', '?fields=id,status', '?offset=1', '?limit=1&status=failed']) {
		await call('GET', query);
	}
	for (const query of [`?after=${id}`, `?after=${id}&status=failed`]) await call('GET', query);

	const wide = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`member${n}`, 1]));
	await call('PATCH', `/${id}`, { assemblyState: { a: 1 }, status: 'failed' }, MERGE);
	await call('PATCH', `/${id}`, { plan: wide }, MERGE);
	await call('PATCH', `/${id}`, { productObject: { a: 1 } }, MERGE);
	await call('PATCH', `/${id}`, {});
	await call('PATCH', `/${id}`, { status: 'failed' }, { 'If-Match': '"1", "2"' });
	await call('PATCH', `/${id}`, { status: 'failed' }, { 'If-None-Match': '"1"' });
	await call('PATCH', `/${id}`, { ttlSeconds: 3600 });

	const event = { type: 'note', payload: { text: 'x'.repeat(60_000) } };
	const events = Array.from({ length: 30 }, () => event);
	for (let n = 0; n < 2; n += 1) {
		await call('POST', `/${id}/events`, event, { 'Idempotency-Key': 'event' });
		await call('POST', `/${id}/steps`, { events, patch: { plan: wide } }, { 'Idempotency-Key': 'step' });
		await call('POST', `/${id}/steps`, { events: [event] }, { 'Idempotency-Key': 'step without a patch' });
	}
	await call('POST', `/${id}/events`, event);
	await call('POST', `/${id}/steps`, { events, patch: { productObject: { a: 2 } } });
	await call('POST', `/${id}/steps`, { events: [event], patch: { status: 'failed' } }, { 'If-Match': '"1"' });

	const page = await call('GET', `/${id}/events`);
	const { data } = JSON.parse(page.text);
	await call('GET', `/${id}/events?after=${data[0].id}`);
	for (const after of ['', `&after=${data[1].id}`]) await call('GET', `/${id}/events?order=desc${after}`);
	for (const query of ['', '?fields=id']) {
		for (const tag of [undefined, '"1"', '"1.1"', '*']) {
			await call('GET', `/${id}${query}`, undefined, tag === undefined ? {} : { 'If-None-Match': tag });
		}
	}
	for (const cursor of [{}, { 'Last-Event-ID': data[0].id }]) {
		const stream = await followSession(caller, id, { headers: cursor, fetcher });
		await stream.events(2);
		await stream.leave();
		await call('HEAD', `/${id}/events`, undefined, { ...STREAM, ...cursor });
	}

	for (const query of ['', '?limit=1', '?before=3']) await call('GET', `/${id}/versions${query}`);
	for (const query of ['version=3', 'version=3&fields=plan,prd', 'version=2&fields=id', 'version=999']) {
		for (const tag of [undefined, '"3.1"', '*']) {
			const headers = tag === undefined ? {} : { 'If-None-Match': tag };
			await call('GET', `/${id}?${query}`, undefined, headers);
		}
	}
	for (const from of [{ sessionId: id }, { sessionId: id, version: 3 }]) {
		await call('POST', '', { from });
		await call('POST', '', { from }, { 'Idempotency-Key': `from ${from.version}` });
	}

	const key = await call('POST', `/${id}/keys`);
	for (let n = 0; n < 101; n += 1) await call('POST', `/${id}/keys`);
	await call('DELETE', `/${id}/keys/${JSON.parse(key.text).id}`);
	await call('DELETE', `/${id}`, undefined, { 'If-Match': '"1"' });
	await call('DELETE', `/${id}`);
}

/** Makes each call on webhooks, and each delivery, in each form that has a statement of its own. */
async function useWebhooks(fetcher: Fetcher, bindings: Partial<Bindings>): Promise<void> {
	const caller = await newCaller({ fetcher });
	const { id } = await createWebhook(caller);
	const all = { ...env, ...bindings, WEBHOOK_QUEUE: undefined as never };
	const day = 86_400_000;
	const { id: session } = await caller.create();
	for (const code of [500, 200, 500, 410]) {
		await caller.append(session);
		receive(() => new Response(null, { status: code }));
		await runWebhooks(all, Date.now() + day, 1000);
		vi.restoreAllMocks();
	}
	const call = async <T>(method: string, path: string, body?: unknown) => {
		const answer = await caller.call<T>(method, WEBHOOKS + path, body === undefined ? {} : { body });
		if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
		return answer.json;
	};
	await call('GET', '');
	const { data } = await call<DeliveryPage>('GET', `/${id}/deliveries`);
	await call('GET', `/${id}/deliveries?before=${data[0]?.id}`);
	await call('POST', `/${id}/deliveries/${data[0]?.id}/retry`);
	await call('POST', `/${id}/replay`, { since: '2026-01-01T00:00:00Z' });
	for (const enabled of [false, true]) await call('PATCH', `/${id}`, { enabled });
	await call('PATCH', `/${id}`, { events: ['event:*'] });
	await call('POST', `/${id}/secret`);
	receive(() => new Response(null, { status: 500 }));
	await runWebhooks(all, Date.now() + 20 * day, 1000);
	await caller.append(session);
	await call('DELETE', `/${id}`);
	await runWebhooks(all, Date.now(), 1000);
	vi.restoreAllMocks();
}

/** Creates a session whose events or versions count more than the cleanup deletes at once. */
async function createTooLarge(caller: Caller, table: 'events' | 'versions'): Promise<string> {
	const { id } = await caller.create();
	for (let n = 0; n < 2; n += 1) {
		await caller.append(id);
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: { n } } });
	}
	const [column, last] =
		table === 'events' ? ['bytes_so_far', 'position = 2'] : ['bytes_before', 'version = 2'];
	await query(`UPDATE ${table} SET ${column} = 5000000 WHERE session_id = ? AND ${last}`, id);
	return id;
}

beforeAll(async () => {
	const single = { DB: recorded(env.DB) };
	const withQuota = { ...single, MAX_SESSIONS_PER_CALLER: '50' };
	const five = { ...FIVE, DB: recorded(env.DB), DB_1: recorded(env.FURTHER_1) };
	const fetchers = [
		liveService(single),
		liveService(withQuota),
		from(PLACES[0], liveService(five)),
		from(PLACES[1], liveService(five)),
	];
	for (const fetcher of fetchers) await callAll(await newCaller({ fetcher }), fetcher);
	await useWebhooks(serviceWith(single), single);
	await useWebhooks(from(PLACES[1], serviceWith(five)), five);
	const caller = await newCaller({ fetcher: serviceWith(single) });
	await caller.call('GET', '/healthz');

	for (let n = 0; n < 2; n += 1) await expire((await caller.create()).id);
	await expire(await createTooLarge(caller, 'events'));
	await expire(await createTooLarge(caller, 'versions'));
	await cleanUpAll({ ...env, ...single }, Date.now());
	await cleanUpAll({ ...env, ...five }, Date.now() + 10 * 365 * 86_400_000);

	// Without limits to work in, a run only counts.
	await cleanUp(recorded(env.DB), Date.now(), { CLEANUP_MAX_STATEMENTS: 0, CLEANUP_MAX_SECONDS: 0 });
	// Statistics are made only of tables with rows.
	const { id } = await caller.create();
	await caller.append(id);

	const db = openDatabase(recorded(env.DB));
	const { row } = await issueKey(db, {
		userId: 'user_plan',
		organizationId: null,
		name: null,
		permissions: ['*'],
		environment: 'test',
		expiresAt: null,
	});
	const now = new Date().toISOString();
	await readApiKey(db, row.id);
	await listApiKeys(db);
	await expireApiKey(db, row.id, now);
	await revokeApiKey(db, row.id, now);
});

const SPACE = /\s+/g;

it('records every statement that a store can send', () => {
	const stores = import.meta.glob<string>('../../src/**/{*store,database}.ts', {
		query: '?raw',
		import: 'default',
		eager: true,
	});
	const all = [...sent.keys()].join('\n').replace(SPACE, ' ');
	const heads = Object.entries(stores).flatMap(([file, source]) =>
		Array.from(
			source.matchAll(/sql`((?:SELECT|WITH|INSERT|UPDATE|DELETE)[^`]*?)(?:\$\{|`)/g),
			([, head = '']) => ({
				file,
				head: head.replace(SPACE, ' ').trimEnd(),
			}),
		),
	);
	expect(heads.length).toBeGreaterThan(25);
	expect(heads.filter(({ head }) => !all.includes(head))).toEqual([]);
});

/** The scans that are intended, each with its reason. A scan names a table only in the last one. */
const MAY_SCAN = [
	// Rows of one chunk or one page, and their sizes and sums, in subqueries with a LIMIT.
	/^SCAN (\(subquery-\d+\)|total|doomed|unexpired|latest|session|busy)$/,
	// The one row that history keeps, and the steps in which it finds what differs in an object.
	/^SCAN (entry|sized|texts|pairs|begun|headed|ended|tailed|search)$/,
	// Rows that the statement got as a parameter.
	/^SCAN json_each (EXISTS )?VIRTUAL TABLE/,
	/^SCAN CONSTANT ROW/,
	// Only the keys command lists all keys.
	/^SCAN api_keys USING INDEX api_keys_by_id$/,
];

/** The steps of a plan that scan a table or sort rows. */
async function badSteps({ sql, values }: SentStatement): Promise<string[]> {
	const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
		.bind(...values)
		.all<{ detail: string }>();
	return results
		.map(({ detail }) => detail)
		.filter(
			(step) =>
				/TEMP B-TREE|AUTOMATIC/.test(step) ||
				(step.startsWith('SCAN') && !MAY_SCAN.some((scan) => scan.test(step))),
		);
}

/** Removes the statistics of the query planner, or makes them say that every table has one row. */
async function setStatistics(areOfOneRow: boolean): Promise<void> {
	await query('ANALYZE');
	for (const { idx, stat } of await query<{ idx: string; stat: string }>(
		'SELECT idx, stat FROM sqlite_stat1',
	)) {
		await query('UPDATE sqlite_stat1 SET stat = ? WHERE idx = ?', stat.replaceAll(/\d+/g, '1'), idx);
	}
	if (!areOfOneRow) await query('DELETE FROM sqlite_stat1');
	await query('ANALYZE sqlite_schema');
}

it.each([
	['without statistics', false],
	// SQLite would rather scan a table of one row, and goes on to while the table grows.
	['with statistics of one row', true],
])('scans no table and sorts nothing %s', async (_, areOfOneRow) => {
	await setStatistics(areOfOneRow);
	const bad: { sql: string; steps: string[] }[] = [];
	for (const statement of sent.values()) {
		const steps = await badSteps(statement);
		if (steps.length > 0) bad.push({ sql: statement.sql, steps });
	}
	expect(bad).toEqual([]);
});

/**
 * How many loops over rows compare the keys of each row. In a table WITHOUT ROWID a comparison reads the whole row, and the content
 * of events is large. The loop that finds a first or last row jumps away after it, and a loop with LIMIT 1 ends there.
 */
async function comparingLoops({ sql, values }: SentStatement): Promise<number> {
	const { results: program } = await env.DB.prepare(`EXPLAIN ${sql}`)
		.bind(...values)
		.all<{ addr: number; opcode: string; p1: number; p2: number }>();
	const isOne = (register: number) =>
		program.some(({ opcode, p1, p2 }) => opcode === 'Integer' && p1 === 1 && p2 === register);
	const endsBefore = (addr: number) => {
		const { opcode, p1 } = program[addr - 1] ?? {};
		return opcode === 'Goto' || (opcode === 'DecrJumpZero' && isOne(Number(p1)));
	};
	return program.filter(
		({ opcode, addr, p1: cursor, p2: begin }) =>
			(opcode === 'Next' || opcode === 'Prev') &&
			!endsBefore(addr) &&
			program.slice(begin, addr).some((step) => /^Idx(GT|GE|LT|LE)$/.test(step.opcode) && step.p1 === cursor),
	).length;
}

it('passes events without reading their content', async () => {
	const ranges = [...sent.values()].filter(({ sql }) => sql.includes('(events.session_id, events.position)'));
	expect(ranges.length).toBeGreaterThanOrEqual(5);
	expect(await Promise.all(ranges.map(comparingLoops))).toEqual(ranges.map(() => 0));
	// The same would show in a range with an end.
	const ended = { sql: 'SELECT id FROM events WHERE session_id = ?', values: ['a'] };
	expect(await comparingLoops(ended)).toBe(1);
});

it('reads the content of no events and versions in the cleanup but those that it deletes', async () => {
	const cleanup = (pattern: RegExp) => [...sent.values()].filter(({ sql }) => pattern.test(sql));
	const finding = cleanup(/^WITH RECURSIVE doomed/);
	// The one loop passes the times of the oldest sessions, in their index.
	expect(await Promise.all(finding.map(comparingLoops))).toEqual([1]);
	const deleting = cleanup(/^DELETE FROM (events|versions)\b.*RETURNING/s);
	// The one loop passes the rows that are deleted.
	expect(await Promise.all(deleting.map(comparingLoops))).toEqual([1, 1]);
});
