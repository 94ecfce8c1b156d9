import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { query } from '../support/database.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

const MERGE = { 'Content-Type': 'application/merge-patch+json' };
/** The maximum cost of one request’s merges in D1: members of the patch times bytes of the object. */
const MAX_WORK = 10_000_000;

let caller: Caller;
let trips: number;
/** The statements that the service has sent. */
let statements: { sql: string; wrote: boolean }[];
/** Runs before each round trip. */
let meanwhile: (sql: string[]) => Promise<unknown>;

beforeEach(async () => {
	meanwhile = async () => {};
	const d1 = wrappedD1(env.DB, async (sent, work) => {
		const sql = sent.map((statement) => statement.sql);
		trips += 1;
		await meanwhile(sql);
		const results = await work();
		statements.push(...sql.map((each, at) => ({ sql: each, wrote: (results[at]?.results.length ?? 0) > 0 })));
		return results;
	});
	[trips, statements] = [0, []];
	caller = await newCaller({ fetcher: serviceWith({ DB: d1 }) });
	await caller.call('GET', SESSIONS); // This caches the key.
});

async function merge(id: string, body: unknown, headers: Record<string, string> = {}) {
	[trips, statements] = [0, []];
	return caller.call('PATCH', `${SESSIONS}/${id}`, { body, headers: { ...MERGE, ...headers } });
}

/** Whether D1 has run a merge. */
const mergedInD1 = () => statements.some(({ sql, wrote }) => wrote && sql.includes('json_patch'));

const members = (prefix: string, count: number, value: unknown = 1): Record<string, unknown> =>
	Object.fromEntries(Array.from({ length: count }, (_, n) => [prefix + n.toString(36), value]));
const within = (levels: number, object: object): object =>
	levels === 0 ? object : { within: within(levels - 1, object) };

describe('a merge', () => {
	const shapes: [name: string, levels: number][] = [
		['flat', 0],
		['nested', 50],
	];
	it.each(shapes)('of %s objects has a bounded cost in D1', async (_, levels) => {
		const { id } = await caller.create();
		for (const size of [0, 300, 5000, 25_000]) {
			for (const count of [1, 20, 250, 7000]) {
				const [object, patch] = [
					members('k', size),
					{ ...members('k', count, 2), ...members('z', count, 'z') },
				];
				const target = within(levels, object);
				await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: target } });
				const { status, json } = await merge(id, { plan: within(levels, patch) });
				expect([status, json.plan]).toEqual([200, within(levels, { ...object, ...patch })]);
				const work = (levels + 2 * count) * JSON.stringify(target).length;
				expect([size, count, mergedInD1() && work > MAX_WORK]).toEqual([size, count, false]);
			}
		}
	});

	it('of several fields has one bound for all of them', async () => {
		const { id } = await caller.create();
		const object = members('k', 2000);
		const fields = ['plan', 'prd', 'assemblyState'];
		const bodyOf = (value: unknown) => Object.fromEntries(fields.map((field) => [field, value]));
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body: bodyOf(object) });
		const patch = members('z', Math.floor((0.5 * MAX_WORK) / JSON.stringify(object).length));
		await merge(id, { plan: patch });
		expect([trips, mergedInD1()]).toEqual([1, true]);
		const { json } = await merge(id, bodyOf(patch));
		expect([trips, mergedInD1()]).toEqual([3, false]);
		expect(json).toMatchObject(bodyOf({ ...object, ...patch }));
	});

	it('of some hundred members into a small object takes one round trip', async () => {
		const { id } = await caller.create({ prd: members('k', 400) });
		await merge(id, { prd: members('z', 300), plan: members('a', 300) });
		expect([trips, mergedInD1()]).toEqual([1, true]);
	});

	it('of 10,000 members into 40,000 takes two round trips, and D1 runs no merge', async () => {
		const { id } = await caller.create({ prd: members('k', 35_000) });
		const { json } = await merge(id, { prd: members('z', 1000, null), plan: members('a', 10_000) });
		expect([trips, mergedInD1()]).toEqual([2, false]);
		expect(json).toMatchObject({ prd: members('k', 35_000), plan: members('a', 10_000) });
	});
});

describe('a large merge', () => {
	/** Too large to merge in D1. */
	const large = members('z', 5000);

	it('returns 404 for a missing session', async () => {
		const { status } = await merge('sess_01k2vxq8f3e7ttyyds0t6w2h4b', { plan: large });
		expect(status).toBe(404);
		expect((await merge('sess_01k2vxq8f3e7ttyyds0t6w2h4b', { plan: members('z', 300) })).status).toBe(404);
	});

	it('returns 412 with the current ETag for a stale If-Match, and changes nothing', async () => {
		const { id } = await caller.create({ prd: members('k', 35_000) });
		await caller.append(id);
		for (const body of [{ plan: large }, { prd: members('z', 300) }]) {
			const { status, headers } = await merge(id, body, { 'If-Match': '"7"' });
			expect([status, headers.get('ETag')]).toEqual([412, '"1.1"']);
		}
		expect((await merge(id, { plan: large }, { 'If-Match': '"7", "1"' })).status).toBe(200);
	});

	it('returns 413 with the name of the field when the result exceeds the limit, and changes nothing', async () => {
		const { id } = await caller.create({ prd: { a: 'x'.repeat(390_000) } });
		const before = await caller.details(id);
		const { status, json } = await merge(id, { prd: large, status: 'failed' });
		expect([status, json]).toMatchObject([
			413,
			{ code: 'PAYLOAD_TOO_LARGE', error: expect.stringContaining('prd') },
		]);
		expect(await caller.details(id)).toEqual(before);
	});

	it('makes all changes at once, together with the hash of the product object', async () => {
		const { id } = await caller.create({ prd: { a: 1 } });
		const { json } = await merge(id, {
			plan: large,
			prd: { b: 2 },
			productObject: { c: 3 },
			status: 'failed',
		});
		expect(json).toMatchObject({
			plan: large,
			prd: { a: 1, b: 2 },
			productObject: { c: 3 },
			status: 'failed',
		});
		const own = await merge(id, { plan: { a: 1 }, productObject: large, productObjectHash: 'mine' });
		expect(own.json).toMatchObject({ productObjectHash: 'mine', plan: { ...large, a: 1 } });
	});

	it('keeps the changes that another writer makes between its read and its write', async () => {
		const { id } = await caller.create();
		const stranger = { plan: '{"theirs":1}', tries: 0 };
		meanwhile = async (sql) => {
			if (!sql.some((each) => each.startsWith('UPDATE')) || stranger.tries > 2) return;
			stranger.tries += 1;
			await query(`UPDATE sessions SET plan = ?, version = version + 1 WHERE id = ?`, stranger.plan, id);
		};
		const { status, json } = await merge(id, { plan: large });
		expect([status, json.plan]).toEqual([200, { theirs: 1, ...large }]);
		expect(statements.filter(({ sql }) => /^(SELECT|UPDATE)/.test(sql))).toHaveLength(2 * 4);
	});

	it.each([
		['a product object', { productObject: { a: 1 } }],
		['a large merge', { plan: large }],
	])(
		'of %s sends at most 40 queries, and returns 503 with Retry-After when others never stop writing',
		async (_, body) => {
			const { id } = await caller.create();
			meanwhile = () => query('UPDATE sessions SET version = version + 1 WHERE id = ?', id);
			const { status, json, headers } = await merge(id, body);
			expect([status, json.code]).toEqual([503, 'DATABASE_UNAVAILABLE']);
			expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
			// Without those that keep history.
			const queries = statements.filter(({ sql }) => /^(SELECT|UPDATE)/.test(sql)).length;
			expect(queries).toBeGreaterThan(20);
			expect(queries).toBeLessThanOrEqual(40);
		},
	);

	it('succeeds while 20 others change other members', async () => {
		const { id } = await caller.create();
		const answers = await Promise.all(
			Array.from({ length: 20 }, (_, n) =>
				caller.call('PATCH', `${SESSIONS}/${id}`, {
					body: { plan: members(`m${n}_`, 1500, null), prd: { [`m${n}`]: n } },
					headers: MERGE,
				}),
			),
		);
		expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
		const { prd } = await caller.details(id);
		expect(Object.keys(prd ?? {})).toHaveLength(20);
	});
});
