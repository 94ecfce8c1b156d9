import { describe, expect, it } from 'vitest';
import type { Bindings } from '../../src/core/settings.ts';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { countRows } from '../support/database.ts';
import { faultyD1, serviceWith } from '../support/faulty-d1.ts';

const callerWithQuota = (settings: Partial<Bindings>): Promise<Caller> =>
	newCaller({ fetcher: serviceWith(settings) });

const append = (caller: Caller, id: string, body: unknown = { type: 'note' }, key?: string) =>
	caller.call('POST', `${SESSIONS}/${id}/events`, {
		body,
		headers: key === undefined ? {} : { 'Idempotency-Key': key },
	});
const addStep = (caller: Caller, id: string, step: object, headers: Record<string, string> = {}) =>
	caller.call('POST', `${SESSIONS}/${id}/steps`, { body: step, headers });

const exceeded = (sentence: RegExp) => [
	403,
	{ code: 'QUOTA_EXCEEDED', error: expect.stringMatching(sentence) },
];
const notes = (count: number) => Array.from({ length: count }, () => ({ type: 'note' }));

describe('MAX_EVENTS_PER_SESSION', () => {
	it('lets a session have as many events and no more, whatever else was written', async () => {
		const caller = await callerWithQuota({ MAX_EVENTS_PER_SESSION: '3' });
		const { id } = await caller.create();
		for (let n = 0; n < 3; n += 1) expect((await append(caller, id)).status).toBe(201);
		const { status, json } = await append(caller, id);
		expect([status, json]).toMatchObject(exceeded(/may have 3 events \(MAX_EVENTS_PER_SESSION\)/));
		expect((await caller.details(id)).events.length).toBe(3);
		expect((await append(caller, (await caller.create()).id)).status).toBe(201);
	});

	it('cannot be passed by appends at the same time', async () => {
		const caller = await callerWithQuota({ MAX_EVENTS_PER_SESSION: '5' });
		const { id } = await caller.create();
		const answers = await Promise.all(Array.from({ length: 20 }, () => append(caller, id)));
		expect(answers.filter(({ status }) => status === 201).length).toBe(5);
		expect(await countRows('events', 'session_id = ?', id)).toBe(5);
	});

	it('refuses a step whole: neither its events nor its patch', async () => {
		const caller = await callerWithQuota({ MAX_EVENTS_PER_SESSION: '3' });
		const { id } = await caller.create();
		await append(caller, id);
		const patches = [
			{ status: 'generating' },
			{ plan: { a: 1 } },
			{ productObject: { a: 1 } },
			{ plan: Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`member${n}`, n])) },
			undefined,
		];
		for (const patch of patches) {
			for (const headers of [{}, { 'Idempotency-Key': 'k' }, { 'If-Match': '"1"' }]) {
				const { status, json } = await addStep(
					caller,
					id,
					{ events: notes(3), ...(patch && { patch }) },
					headers,
				);
				expect([status, json]).toMatchObject(exceeded(/This one has 1, and 3 more were sent/));
			}
		}
		const { events, status, plan, productObject } = await caller.details(id);
		expect([events.length, status, plan, productObject]).toEqual([1, 'intake', null, null]);
		const fits = await addStep(caller, id, { events: notes(2), patch: { status: 'generating' } });
		expect([fits.status, fits.headers.get('ETag')]).toEqual([201, '"2"']);
	});

	it('does not keep a retry from the event or the step that it has made', async () => {
		const caller = await callerWithQuota({ MAX_EVENTS_PER_SESSION: '3' });
		const { id } = await caller.create();
		const first = await append(caller, id, { type: 'note' }, 'event');
		const step = { events: notes(2), patch: { status: 'generating' } };
		const second = await addStep(caller, id, step, { 'Idempotency-Key': 'step' });
		const again = [
			await append(caller, id, { type: 'note' }, 'event'),
			await addStep(caller, id, step, { 'Idempotency-Key': 'step' }),
		];
		expect(again.map(({ status, json }) => [status, json])).toEqual([
			[201, first.json],
			[201, second.json],
		]);
		expect((await append(caller, id, { type: 'note' }, 'another')).status).toBe(403);
		expect((await append(caller, id, { type: 'other' }, 'event')).status).toBe(422);
	});

	it('lets a step that was made at the quota survive a lost response', async () => {
		const faulty = faultyD1();
		const caller = await callerWithQuota({ DB: faulty.d1, MAX_EVENTS_PER_SESSION: '2' });
		const { id } = await caller.create();
		faulty.next = [{ message: 'D1_ERROR: Network connection lost.', when: 'after' }];
		const step = { events: notes(2), patch: { status: 'generating' } };
		const { status, json } = await addStep(caller, id, step, { 'Idempotency-Key': 'k' });
		expect([status, json]).toMatchObject([201, { session: { status: 'generating' } }]);
	});

	it('is no reason to hide that a session does not exist', async () => {
		const caller = await callerWithQuota({ MAX_EVENTS_PER_SESSION: '1' });
		const other = await callerWithQuota({ MAX_EVENTS_PER_SESSION: '1' });
		const { id } = await caller.create();
		await append(caller, id);
		expect((await append(other, id)).status).toBe(404);
	});
});

describe('MAX_EVENT_BYTES_PER_SESSION', () => {
	/** An event whose content has this many bytes. The payload `{"t":""}` has eight. */
	const eventOf = (bytes: number) => ({ type: 'a', payload: { t: 'x'.repeat(bytes - 9) } });

	it('counts type, stage, message and payload in UTF-8', async () => {
		const caller = await callerWithQuota({ MAX_EVENT_BYTES_PER_SESSION: '100' });
		const { id } = await caller.create();
		const event = { type: 'ty', stage: 'sta', message: 'é', payload: { t: '€' } };
		expect((await append(caller, id, event)).status).toBe(201);
		// 2 + 3 + 2 + 11 bytes
		const { json } = await append(caller, id, eventOf(83));
		expect(json.error).toMatch(
			/may have 100 bytes in all \(MAX_EVENT_BYTES_PER_SESSION\).* have 18, and 83 more/,
		);
		expect((await append(caller, id, eventOf(82))).status).toBe(201);
		expect((await append(caller, id)).status).toBe(403);
	});

	it('is exact over appends and steps of several events', async () => {
		const caller = await callerWithQuota({ MAX_EVENT_BYTES_PER_SESSION: '1000' });
		const { id } = await caller.create();
		expect((await append(caller, id, eventOf(100))).status).toBe(201);
		const step = { events: [eventOf(200), eventOf(300)], patch: { status: 'generating' } };
		expect((await addStep(caller, id, step)).status).toBe(201);
		const tooMuch = { events: [eventOf(200), eventOf(201)], patch: { status: 'failed' } };
		for (const headers of [{}, { 'Idempotency-Key': 'k' }]) {
			expect((await addStep(caller, id, tooMuch, headers)).status).toBe(403);
		}
		expect(await caller.details(id)).toMatchObject({ status: 'generating' });
		expect((await addStep(caller, id, { events: [eventOf(200), eventOf(200)] })).status).toBe(201);
		expect((await append(caller, id, eventOf(10))).status).toBe(403);
	});

	it('refuses a step whose events come as several parameters', async () => {
		const caller = await callerWithQuota({ MAX_EVENT_BYTES_PER_SESSION: String(31 * 60_000) });
		const { id } = await caller.create();
		expect(
			(await addStep(caller, id, { events: Array.from({ length: 30 }, () => eventOf(60_000)) })).status,
		).toBe(201);
		expect((await append(caller, id, eventOf(60_001))).status).toBe(403);
		expect((await append(caller, id, eventOf(60_000))).status).toBe(201);
	});
});
