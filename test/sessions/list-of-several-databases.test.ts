import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/database.ts';
import { listPage } from '../../src/sessions/list.ts';
import type { Session } from '../../src/sessions/schema.ts';
import { type Caller, callerWith, newCaller, SESSIONS } from '../support/api.ts';
import { d1s } from '../support/database.ts';
import { faultyD1 } from '../support/faulty-d1.ts';
import { FIVE, near, PLACES, travelling } from '../support/several-databases.ts';

interface List {
	data: Session[];
	pagination: { total?: number; hasMore?: boolean };
}

/** Creates a caller with sessions in all databases. Returns it with their ids, in the order of the list. */
async function filled(count: number, bodies: (n: number) => object = () => ({})) {
	const caller = await newCaller({ fetcher: travelling() });
	const ids: string[] = [];
	for (let n = 0; n < count; n += 1) ids.unshift((await caller.create(bodies(n))).id);
	return { caller, ids };
}

const list = (caller: Caller, query = '') => caller.call<List>('GET', `${SESSIONS}?${query}`);
const idsOf = ({ json }: { json: List }) => json.data.map(({ id }) => id);

/**
 * Inserts a number of sessions into each database by SQL, with ids that alternate unevenly between the databases. Returns the
 * ids in the order of the list.
 */
async function bulk(owner: string, counts: readonly number[]): Promise<string[]> {
	const ids: string[] = [];
	for (const [number, count] of counts.entries()) {
		await d1s[number]?.prepare('DELETE FROM sessions').run();
		const own = Array.from({ length: count }, (_, n) => {
			const place = number === 2 ? n : n * (number + 3) + number;
			return `sess_0${String(place).padStart(8, '0')}${String(number).padStart(17, '0')}`;
		});
		ids.push(...own);
		await d1s[number]
			?.prepare(
				`INSERT INTO sessions (id, user_id, status, created_at, updated_at, expires_at)
				SELECT value, ?2, 'intake', '2026-01-01', '2026-01-01', '2999-01-01' FROM json_each(?1)`,
			)
			.bind(JSON.stringify(own), owner)
			.run();
	}
	return ids.sort().reverse();
}

const query = (userId: string, from: { offset: number } | { after: string }) => ({
	owner: { userId, organizationId: null },
	now: '2026-02-01',
	fields: ['id', 'status'] as const,
	status: undefined,
	limit: 7,
	from,
});

describe('the list of several databases', () => {
	it('contains the sessions of all databases, the newest first, and their total', async () => {
		const { caller, ids } = await filled(23);
		expect(idsOf(await list(caller, 'limit=100'))).toEqual(ids);
		for (const [limit, offset] of [
			[5, 0],
			[5, 1],
			[5, 4],
			[7, 11],
			[20, 20],
			[5, 23],
			[5, 1000],
			[100, 10_000],
		] as const) {
			const page = await list(caller, `limit=${limit}&offset=${offset}`);
			expect(idsOf(page)).toEqual(ids.slice(offset, offset + limit));
			expect(page.json.pagination.total).toBe(23);
			const next = offset + limit < 23 ? `after=${ids[offset + limit - 1]}` : '';
			expect(page.headers.get('Link') ?? '').toContain(next);
			expect(page.headers.has('Link')).toBe(offset + limit < 23);
		}
	});

	it('can be read page by page with its links, even when the session at the end of a page is deleted', async () => {
		const { caller, ids } = await filled(17);
		const seen: string[] = [];
		let url: string | undefined = `${SESSIONS}?limit=3`;
		while (url) {
			const page: Awaited<ReturnType<typeof list>> = await caller.call<List>('GET', url);
			seen.push(...idsOf(page));
			const last = idsOf(page).at(-1);
			if (seen.length === 6) await caller.call('DELETE', `${SESSIONS}/${last}`);
			const link: string | undefined = /<([^>]*)>/.exec(page.headers.get('Link') ?? '')?.[1];
			url = link && new URL(link).pathname + new URL(link).search;
		}
		expect(seen).toEqual(ids);
	});

	it('contains only the sessions of a status and the fields that were asked for', async () => {
		const { caller, ids } = await filled(12);
		const failed = ids.filter((_, at) => at % 3 === 0);
		for (const id of failed) await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { status: 'failed' } });
		const page = await list(caller, 'status=failed&fields=id&limit=3');
		expect(page.json).toMatchObject({
			data: failed.slice(0, 3).map((id) => ({ id })),
			pagination: { total: 4 },
		});
		expect(Object.keys(page.json.data[0] ?? {})).toEqual(['id']);
		expect(idsOf(await list(caller, `status=failed&offset=2&limit=3`))).toEqual(failed.slice(2, 5));
	});

	it('contains sessions of any size whole', async () => {
		const text = 'x'.repeat(150_000);
		const { caller, ids } = await filled(15, (n) => ({ prd: { n, text: n % 2 === 0 ? text : '' } }));
		for (const from of ['offset=0', 'offset=2']) {
			const page = await list(caller, `limit=15&${from}`);
			expect(idsOf(page)).toEqual(from === 'offset=0' ? ids : ids.slice(2));
			for (const { prd, id } of page.json.data) {
				const n = 14 - ids.indexOf(id);
				expect(prd).toEqual({ n, text: n % 2 === 0 ? text : '' });
			}
		}
	});

	it('never misses or repeats an existing session while others are created', async () => {
		const { caller, ids } = await filled(20);
		let isDone = false;
		const created: string[] = [];
		const creating = PLACES.map(async (_, number) => {
			const writer = callerWith(caller.key, caller, near(number));
			while (!isDone) {
				created.push((await writer.create()).id);
				// Timers wait in workerd while its event loop is busy, and a request that waits for its turn has one.
				await new Promise((resolve) => setTimeout(resolve, 1));
			}
		});
		for (let walk = 0; walk < 5; walk += 1) {
			const seen: string[] = [];
			let after = '';
			for (;;) {
				const page = await list(caller, `limit=6${after}`);
				seen.push(...idsOf(page));
				if (!page.headers.has('Link')) break;
				after = `&after=${seen.at(-1)}`;
			}
			expect(seen.filter((id) => ids.includes(id))).toEqual(ids);
			expect(new Set(seen).size).toBe(seen.length);
			expect(seen).toEqual(seen.toSorted().reverse());
		}
		isDone = true;
		await Promise.all(creating);
		expect((await list(caller)).json.pagination.total).toBe(20 + created.length);
	});
});

describe('a page at an offset', () => {
	it('is exact however the sessions are spread, at small and large offsets', async () => {
		const dbs = d1s.map((d1) => openDatabase(d1));
		for (const [owner, counts] of [
			['user_even', [300, 300, 300, 300, 300]],
			['user_uneven', [3, 0, 900, 40, 1]],
			['user_one', [0, 0, 0, 500, 0]],
		] as const) {
			const ids = await bulk(owner, counts);
			for (const offset of [0, 1, 2, 99, 250, 499, 500, ids.length - 3, ids.length, ids.length + 9]) {
				const page = await listPage(dbs, query(owner, { offset }));
				expect(page.rows.map(({ id }) => id)).toEqual(ids.slice(offset, offset + 7));
				expect(page.total).toBe(ids.length);
				expect(page.next).toBe(offset + 7 < ids.length ? ids[offset + 6] : undefined);
			}
		}
	});

	it('takes two trips to each database at any offset', async () => {
		const ids = await bulk('user_one', [0, 0, 0, 500, 0]);
		const watched = d1s.map((d1) => faultyD1(d1));
		const dbs = watched.map(({ d1 }) => openDatabase(d1));
		const page = await listPage(dbs, query('user_one', { offset: 493 }));
		expect(page.rows.map(({ id }) => id)).toEqual(ids.slice(-7));
		expect(watched.map(({ trips }) => trips)).toEqual([2, 2, 2, 2, 2]);
	});

	it('past 10,000 is a 400 that says to follow the Link header, where several databases are bound', async () => {
		const { caller } = await filled(1);
		expect((await list(caller, 'offset=10000')).json).toMatchObject({ data: [], pagination: { total: 1 } });
		const { status, json } = await caller.call('GET', `${SESSIONS}?offset=10001`);
		expect([status, json]).toMatchObject([
			400,
			{
				code: 'VALIDATION_ERROR',
				details: [{ path: 'offset', suggestion: expect.stringContaining('Link') }],
			},
		]);
		const { DB_1, DB_2, DB_3, DB_4, ...alone } = FIVE;
		const plain = callerWith(caller.key, caller, near(0, { ...alone, PLACEMENT: '' }));
		expect((await list(plain, 'offset=10001')).json.data).toEqual([]);
	});
});

it('asks only DB if no other database is bound', async () => {
	const { caller } = await filled(5);
	const { DB_1, DB_2, DB_3, DB_4, ...alone } = FIVE;
	const plain = callerWith(caller.key, caller, near(0, { ...alone, PLACEMENT: '' }));
	expect((await list(plain)).json.pagination.total).toBe(1);
});
