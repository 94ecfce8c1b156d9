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

describe('listing sessions', () => {
	it('shows the caller’s own, newest first, with a page’s place and the total', async () => {
		const [caller, stranger] = [await newCaller(), await newCaller()];
		const sessions = await makeSessions(caller, 3);
		await stranger.create();
		expect(await list(caller)).toEqual({ data: sessions, pagination: { limit: 20, offset: 0, total: 3 } });
	});

	it('keeps a user’s sessions in one organization apart from those in another or in none', async () => {
		const alone = await newCaller();
		const inside = await newCaller({ userId: alone.userId, organizationId: 'org_1' });
		await alone.create();
		const session = await inside.create();
		expect((await list(inside)).data).toEqual([session]);
		expect((await list(alone)).pagination.total).toBe(1);
	});

	it('pages by limit and offset', async () => {
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

	it('filters by status, and counts only those', async () => {
		const caller = await newCaller();
		const [newest, , oldest] = await makeSessions(caller, 3);
		for (const id of [newest?.id, oldest?.id]) {
			await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { status: 'completed' } });
		}
		const { data, pagination } = await list(caller, '?status=completed&limit=1');
		expect(data.map(({ id }) => id)).toEqual([newest?.id]);
		expect(pagination).toEqual({ limit: 1, offset: 0, total: 2 });
		expect((await list(caller, '?status=failed')).pagination.total).toBe(0);
	});

	it.each([
		'limit=0',
		'limit=101',
		'limit=-1',
		'limit=x',
		'limit=',
		'limit=1.5',
		'limit=1e1',
		'limit=%201',
		'limit=1&limit=2',
		'offset=-1',
		'offset=x',
		'offset=99999999999999999999',
		'status=nonsense',
		'status=',
		'status=INTAKE',
	])('refuses ?%s', async (query) => {
		const caller = await newCaller();
		const { status, json } = await caller.call('GET', `${SESSIONS}?${query}`);
		expect([status, json]).toMatchObject([
			400,
			{ code: 'VALIDATION_ERROR', details: [{ path: query.split('=')[0] }] },
		]);
	});
});
