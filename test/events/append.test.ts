import { describe, expect, it } from 'vitest';
import type { Event, EventPage } from '../../src/events/schema.ts';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { countRows } from '../support/database.ts';

const at = (id: string) => `${SESSIONS}/${id}/events`;
const append = (caller: Caller, id: string, body: unknown, key?: string) =>
	caller.call<Event>('POST', at(id), { body, headers: key === undefined ? {} : { 'Idempotency-Key': key } });

async function allPages(caller: Caller, id: string, limit: number): Promise<Event[]> {
	const events: Event[] = [];
	for (let more = true; more; ) {
		const after = events.at(-1)?.id;
		const { json } = await caller.call<EventPage>(
			'GET',
			`${at(id)}?limit=${limit}${after ? `&after=${after}` : ''}`,
		);
		events.push(...json.data);
		more = json.hasMore;
	}
	return events;
}

describe('appending an event', () => {
	it('returns all nine fields in order', async () => {
		const caller = await newCaller({ organizationId: 'org_1' });
		const { id } = await caller.create();
		const { status, json } = await append(caller, id, {
			type: 't',
			message: 'm',
			payload: { b: 1 },
			stage: 's',
		});
		expect(status).toBe(201);
		expect(Object.keys(json)).toEqual([
			'createdAt',
			'id',
			'message',
			'organizationId',
			'payload',
			'sessionId',
			'stage',
			'type',
			'userId',
		]);
		expect(json).toMatchObject({
			message: 'm',
			organizationId: 'org_1',
			payload: { b: 1 },
			sessionId: id,
			stage: 's',
			type: 't',
			userId: caller.userId,
		});
	});

	it('stores a missing payload as {}, and a missing message or stage as null', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		expect((await append(caller, id, { type: 't' })).json).toMatchObject({
			payload: {},
			message: null,
			stage: null,
		});
	});

	it('does not change the session', async () => {
		const caller = await newCaller();
		const session = await caller.create();
		const event = await caller.append(session.id);
		expect(await caller.details(session.id)).toEqual({ ...session, events: [event] });
	});

	it.each([
		[{}, 'type'],
		[{ type: '' }, 'type'],
		[{ type: 1 }, 'type'],
		[{ type: 't', payload: null }, 'payload'],
		[{ type: 't', payload: [] }, 'payload'],
		[{ type: 't', message: null }, 'message'],
		[{ type: 't', stage: 5 }, 'stage'],
	])('returns 400 for %j', async (body, path) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { status, json } = await caller.call('POST', at(id), { body });
		expect([status, json]).toMatchObject([400, { code: 'VALIDATION_ERROR', details: [{ path }] }]);
		expect(await countRows('events', 'session_id = ?', id)).toBe(0);
	});

	it('gives 300 concurrent events one order, which pages and details share', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const made: Awaited<ReturnType<typeof append>>[] = [];
		// Thirty at once: on a slow machine the last of more would wait for its turn for longer than it may.
		for (let from = 0; from < 300; from += 30) {
			const some = Array.from({ length: 30 }, (_, n) => append(caller, id, { type: 'n', payload: { n } }));
			made.push(...(await Promise.all(some)));
		}
		expect(made.map(({ status }) => status)).toEqual(Array(300).fill(201));
		const { events } = await caller.details(id);
		expect(new Set(events.map((event) => event.id))).toEqual(new Set(made.map(({ json }) => json.id)));
		expect(await allPages(caller, id, 7)).toEqual(events);
	});
});

describe('Idempotency-Key on append', () => {
	it('appends one event for 40 concurrent retries, and marks 39 responses as replays', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const body = { type: 't', payload: { a: 1 } };
		const answers = await Promise.all(Array.from({ length: 40 }, () => append(caller, id, body, 'k')));
		expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
		expect(answers.filter(({ headers }) => headers.get('Idempotency-Replayed') === 'true')).toHaveLength(39);
		expect(await countRows('events', 'session_id = ?', id)).toBe(1);
	});

	it('returns 422 for the same key with another body', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await append(caller, id, { type: 't', message: 'a' }, 'k');
		for (const body of [{ type: 't', message: 'b' }, { type: 't', stage: 'a' }, { type: 'a' }]) {
			const { status, json } = await append(caller, id, body, 'k');
			expect([status, json]).toMatchObject([422, { code: 'IDEMPOTENCY_KEY_REUSED' }]);
		}
	});

	it('belongs to the session', async () => {
		const caller = await newCaller();
		const [one, two] = [await caller.create(), await caller.create()];
		const events = await Promise.all([one, two].map(({ id }) => append(caller, id, { type: 't' }, 'k')));
		expect(events.map(({ headers }) => headers.get('Idempotency-Replayed'))).toEqual([null, null]);
	});
});

describe('paging through events', () => {
	it('continues after an event, oldest first, and says whether there are more', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const made: Event[] = [];
		for (let n = 0; n < 5; n += 1) made.push(await caller.append(id, { type: `t${n}` }));
		const page = async (query: string) => (await caller.call<EventPage>('GET', at(id) + query)).json;
		expect(await page('')).toEqual({ data: made, hasMore: false });
		expect(await page('?limit=5')).toEqual({ data: made, hasMore: false });
		expect(await page('?limit=2')).toEqual({ data: made.slice(0, 2), hasMore: true });
		expect(await page(`?limit=2&after=${made[1]?.id}`)).toEqual({ data: made.slice(2, 4), hasMore: true });
		expect(await page(`?after=${made[4]?.id}`)).toEqual({ data: [], hasMore: false });
	});

	it.each([
		'nonsense',
		'evt_',
		'evt_000000000000000000000000000000',
		'evt_000000000100000000000000000000',
		'evt_999999999900000000000000000000',
	])('returns 400 for after=%s', async (after) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.append(id);
		const { status, json } = await caller.call('GET', `${at(id)}?after=${after}`);
		expect([status, json]).toMatchObject([400, { code: 'VALIDATION_ERROR', details: [{ path: 'after' }] }]);
	});

	it('begins with the newest event on request, and continues with older ones', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const ids: string[] = [];
		for (let n = 0; n < 5; n += 1) ids.unshift((await caller.append(id)).id);
		const page = async (query: string) => {
			const { json } = await caller.call<EventPage>('GET', `${at(id)}?order=desc&limit=2${query}`);
			return [json.data.map((event) => event.id), json.hasMore];
		};
		expect(await page('')).toEqual([ids.slice(0, 2), true]);
		expect(await page(`&after=${ids[1]}`)).toEqual([ids.slice(2, 4), true]);
		expect(await page(`&after=${ids[3]}`)).toEqual([ids.slice(4), false]);
		const { status } = await caller.call('GET', `${at(id)}?order=newest`);
		expect(status).toBe(400);
	});

	it('returns 400 for the id of another session’s event', async () => {
		const caller = await newCaller();
		const [one, two] = [await caller.create(), await caller.create()];
		await caller.append(one.id);
		const other = await caller.append(two.id);
		expect((await caller.call('GET', `${at(one.id)}?after=${other.id}`)).status).toBe(400);
	});

	it.each(['0', '1001', '-1', 'x', '1.5', '', '1e2'])('returns 400 for limit=%s', async (limit) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		expect((await caller.call('GET', `${at(id)}?limit=${limit}`)).status).toBe(400);
	});

	it('returns the latest 1,000 events in details, and all of them in pages', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		for (let n = 0; n < 1010; n += 101) {
			await Promise.all(Array.from({ length: 101 }, () => caller.append(id)));
		}
		const [all, { events }] = [await allPages(caller, id, 400), await caller.details(id)];
		expect([all.length, events.length]).toEqual([1010, 1000]);
		expect(events).toEqual(all.slice(10));
	});
});

describe('the id of an event', () => {
	it('ends with 20 random digits, each of which varies', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const ids = await Promise.all(Array.from({ length: 100 }, async () => (await caller.append(id)).id));
		for (let at = 14; at < 34; at += 1) {
			expect(new Set(ids.map((each) => each[at])).size, `digit ${at}`).toBeGreaterThan(4);
		}
	});
});

describe('the type and the stage of an event', () => {
	it.each(['\n', '\r', '\u0001', '\u001b', '\u007f', '\u0085', '\u2028', '\u2029'])(
		'must not contain %j, which could break a line of a log or of a stream',
		async (character) => {
			const caller = await newCaller();
			const { id } = await caller.create();
			const text = `a${character}b`;
			const { status, json } = await caller.call('POST', `${SESSIONS}/${id}/events`, {
				body: { type: text, stage: text, message: text },
			});
			expect([status, json.code]).toEqual([400, 'VALIDATION_ERROR']);
			expect((json.details as { path: string }[]).map(({ path }) => path)).toEqual(['type', 'stage']);
			expect((await caller.details(id)).events).toEqual([]);
		},
	);

	it('may contain any other character', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const text = 'Ünï 😀 \u00a0\u200b';
		expect(await caller.append(id, { type: text, stage: text })).toMatchObject({ type: text, stage: text });
	});
});
