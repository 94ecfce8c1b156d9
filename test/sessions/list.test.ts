import { describe, expect, it } from 'vitest';
import type { SessionList } from '../../src/sessions/schema.ts';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';

interface CountedList {
	data: SessionList['data'];
	pagination: { limit: number; offset: number; total: number };
}

const list = async (caller: Caller, query = '') =>
	(await caller.call<CountedList>('GET', SESSIONS + query)).json;

async function makeSessions(caller: Caller, count: number) {
	const sessions = [];
	for (let n = 0; n < count; n += 1) sessions.unshift(await caller.create({ catalogVersion: String(n) }));
	return sessions;
}

it.each(['limit=1&limit=1', 'limit=1&limit=2', 'offset=0&offset=1', 'status=intake&status=failed'])(
	'a list returns 400 for ?%s, because a parameter other than fields must be given once',
	async (query) => {
		const path = query.split('=')[0];
		const { status, json } = await (await newCaller()).call('GET', `${SESSIONS}?${query}`);
		const details = [{ path, message: 'must be given once, not several times' }];
		expect([status, json]).toMatchObject([400, { code: 'VALIDATION_ERROR', details }]);
	},
);

describe('listing sessions', () => {
	it('returns the caller’s own sessions, newest first, with the limit, the offset and the total', async () => {
		const [caller, stranger] = [await newCaller(), await newCaller()];
		const sessions = await makeSessions(caller, 3);
		await stranger.create();
		expect(await list(caller)).toEqual({ data: sessions, pagination: { limit: 20, offset: 0, total: 3 } });
	});

	it('separates a user’s sessions in one organization from those in another and from those without one', async () => {
		const alone = await newCaller();
		const inside = await newCaller({ userId: alone.userId, organizationId: 'org_1' });
		await alone.create();
		const session = await inside.create();
		expect((await list(inside)).data).toEqual([session]);
		expect((await list(alone)).pagination.total).toBe(1);
	});

	it('returns pages by limit and offset', async () => {
		const caller = await newCaller();
		const sessions = await makeSessions(caller, 5);
		expect(await list(caller, '?limit=2')).toEqual({
			data: sessions.slice(0, 2),
			pagination: { limit: 2, offset: 0, total: 5 },
		});
		expect((await list(caller, '?limit=2&offset=4')).data).toEqual(sessions.slice(4));
		expect(await list(caller, '?offset=5')).toEqual({
			data: [],
			pagination: { limit: 20, offset: 5, total: 5 },
		});
		expect((await list(caller, '?offset=9007199254740991')).data).toEqual([]);
	});

	it('filters by status, and counts only the sessions in it', async () => {
		const caller = await newCaller();
		const [newest, , oldest] = await makeSessions(caller, 3);
		for (const id of [newest?.id, oldest?.id]) {
			await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { status: 'complete' } });
		}
		const { data, pagination } = await list(caller, '?status=complete&limit=1');
		expect(data.map(({ id }) => id)).toEqual([newest?.id]);
		expect(pagination).toEqual({ limit: 1, offset: 0, total: 2 });
		expect((await list(caller, '?status=failed')).pagination.total).toBe(0);
	});

	it.each(['101', '1000', '99999999999999999999', '9'.repeat(10_000), `${'0'.repeat(300)}100`])(
		'counts a limit above 100 as 100: %s',
		async (limit) => {
			const caller = await newCaller();
			const session = await caller.create();
			expect(await list(caller, `?limit=${limit}`)).toEqual({
				data: [session],
				pagination: { limit: 100, offset: 0, total: 1 },
			});
		},
	);

	it.each([
		'nonsense',
		'completed',
		'INTAKE',
		' intake',
		'',
		'\u{1f600}',
		"' OR 1 --",
		'\u0000',
		'intake\u0000',
		'x'.repeat(300),
	])('is empty for a status that is none: %j', async (status) => {
		const caller = await newCaller();
		await caller.create();
		expect(await list(caller, `?status=${encodeURIComponent(status)}`)).toEqual({
			data: [],
			pagination: { limit: 20, offset: 0, total: 0 },
		});
		const after = await caller.call(
			'GET',
			`${SESSIONS}?after=sess_7zzzzzzzzzzzzzzzzzzzzzzzzz&status=${encodeURIComponent(status)}`,
		);
		expect(after.json).toEqual({ data: [], pagination: { limit: 20, hasMore: false } });
	});

	it.each([
		'limit=0',
		'limit=-1',
		'limit=x',
		'limit=',
		'limit=1.5',
		'limit=1e1',
		'limit=%201',
		`limit=-${'9'.repeat(10_000)}`,
		'limit=1&limit=2',
		'offset=-1',
		'offset=x',
		'offset=99999999999999999999',
		'offset=-99999999999999999999',
		`offset=${'9'.repeat(10_000)}`,
		'status=intake&status=failed',
	])('returns 400 for ?%s', async (query) => {
		const caller = await newCaller();
		const { status, json } = await caller.call('GET', `${SESSIONS}?${query}`);
		expect([status, json]).toMatchObject([
			400,
			{ code: 'VALIDATION_ERROR', details: [{ path: query.split('=')[0] }] },
		]);
	});
});

describe('a page after a session', () => {
	const pageAfter = async (caller: Caller, query: string) =>
		(await caller.call<SessionList>('GET', SESSIONS + query)).json;
	/** The path and query that a Link leads to. */
	const nextOf = (headers: Headers) =>
		/^<https:\/\/api\.test(\S+)>; rel="next"$/.exec(headers.get('Link') ?? '')?.[1];

	it('contains the sessions after that one, and does not count the total', async () => {
		const caller = await newCaller();
		const [a, b, c, d] = await makeSessions(caller, 4);
		expect(await pageAfter(caller, `?after=${a?.id}&limit=2`)).toEqual({
			data: [b, c],
			pagination: { limit: 2, hasMore: true },
		});
		expect(await pageAfter(caller, `?after=${b?.id}&limit=2`)).toEqual({
			data: [c, d],
			pagination: { limit: 2, hasMore: false },
		});
		expect((await pageAfter(caller, `?after=${d?.id}`)).data).toEqual([]);
	});

	it('continues at the same place when that session is deleted, and shows no other owner’s sessions', async () => {
		const [caller, stranger] = [await newCaller(), await newCaller()];
		const [, b, c] = await makeSessions(caller, 3);
		const theirs = await stranger.create();
		await caller.call('DELETE', `${SESSIONS}/${b?.id}`);
		expect((await pageAfter(caller, `?after=${b?.id}`)).data).toEqual([c]);
		expect((await pageAfter(caller, `?after=${theirs.id}`)).data).toHaveLength(2);
	});

	it('links to the next page with the same limit, status and fields, as a page by offset does', async () => {
		const caller = await newCaller();
		const sessions = await makeSessions(caller, 5);
		const seen: unknown[] = [];
		let path: string | undefined = `${SESSIONS}?offset=1&fields=status,id&limit=2&status=intake&x=y`;
		const paths = [];
		while (path) {
			paths.push(path);
			const page: Awaited<ReturnType<typeof caller.call<SessionList>>> = await caller.call('GET', path);
			seen.push(...page.json.data);
			path = nextOf(page.headers);
		}
		expect(seen).toEqual(sessions.slice(1).map(({ id }) => ({ id, status: 'intake' })));
		expect(paths[1]).toBe(`${SESSIONS}?fields=status%2Cid&limit=2&status=intake&after=${sessions[2]?.id}`);
		expect(paths).toHaveLength(2);
	});

	it('has the limit of the page in its Link, not the larger one that was sent', async () => {
		const caller = await newCaller();
		const sessions = await makeSessions(caller, 101);
		const { json, headers } = await caller.call<SessionList>(
			'GET',
			`${SESSIONS}?fields=id&limit=250&status=intake`,
		);
		expect(json.data).toHaveLength(100);
		const next = `${SESSIONS}?fields=id&limit=100&status=intake&after=${sessions[99]?.id}`;
		expect(nextOf(headers)).toBe(next);
		expect((await caller.call<SessionList>('GET', next)).json).toEqual({
			data: [{ id: sessions[100]?.id }],
			pagination: { limit: 100, hasMore: false },
		});
	});

	it('has no Link when it is the last', async () => {
		const caller = await newCaller();
		await makeSessions(caller, 2);
		for (const query of ['', '?limit=2', '?offset=1&limit=1', '?offset=5', '?status=failed']) {
			expect((await caller.call('GET', SESSIONS + query)).headers.get('Link')).toBeNull();
		}
	});

	it('shows each session once while others are created and deleted', async () => {
		const caller = await newCaller();
		const kept = await makeSessions(caller, 12);
		const passing = await makeSessions(caller, 12);
		const seen: string[] = [];
		let path: string | undefined = `${SESSIONS}?limit=3`;
		while (path) {
			const page: Awaited<ReturnType<typeof caller.call<SessionList>>> = await caller.call('GET', path);
			seen.push(...page.json.data.map(({ id }) => id));
			await caller.create();
			const gone = passing.pop();
			if (gone) await caller.call('DELETE', `${SESSIONS}/${gone.id}`);
			path = nextOf(page.headers);
		}
		expect(seen.filter((id) => kept.some((each) => each.id === id))).toEqual(kept.map(({ id }) => id));
		expect(new Set(seen).size).toBe(seen.length);
	});

	it.each([
		['after=nonsense', 'after'],
		['after=', 'after'],
		['after=sess_01K2VXQ8F3E7TTYYDS0T6W2H4B', 'after'],
		['after=sess_01k2vxq8f3e7ttyyds0t6w2h4b&offset=1', 'after'],
	])('returns 400 for ?%s', async (query, path) => {
		const { status, json } = await (await newCaller()).call('GET', `${SESSIONS}?${query}`);
		expect([status, json]).toMatchObject([400, { code: 'VALIDATION_ERROR', details: [{ path }] }]);
	});

	it('starts with the time of its creation', async () => {
		const { id, createdAt } = await (await newCaller()).create();
		const digits = '0123456789abcdefghjkmnpqrstvwxyz';
		// Ten digits of five bits each hold two zero bits and then the 48 bits of the time.
		const time = Array.from(id.slice(5, 15)).reduce((sum, digit) => sum * 32 + digits.indexOf(digit), 0);
		expect(new Date(time).toISOString()).toBe(createdAt);
	});
});
