import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/events/schema.ts';
import type { Session } from '../../src/sessions/schema.ts';
import { type Answer, type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { countRows, expire } from '../support/database.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

type Step = { events: Event[]; session: Session };

const step = (
	caller: Caller,
	id: string,
	body: unknown,
	headers: Record<string, string> = {},
): Promise<Answer<Step>> => caller.call('POST', `${SESSIONS}/${id}/steps`, { body, headers });
const notes = (count: number) => Array.from({ length: count }, (_, n) => ({ type: `note-${n}` }));
const positionsOf = (events: readonly Event[]) => events.map(({ id }) => Number(id.slice(4, 14)));
const tagOf = async (caller: Caller, id: string) =>
	(await caller.call('GET', `${SESSIONS}/${id}`)).headers.get('ETag');

describe('a step', () => {
	it('appends its events at consecutive positions and merges its patch', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ prd: { a: 1 } });
		await caller.append(id);
		const events = [
			{ type: 'plan.ready', message: 'Three steps.', stage: 'planning', payload: { steps: 3 } },
			{ type: 'note' },
		];
		const patch = { status: 'generating', prd: { b: 2 }, plan: { c: { d: 3, e: null } } };
		const { status, json, headers } = await step(caller, id, { events, patch });
		expect(status).toBe(201);
		expect(Object.keys(json)).toEqual(['events', 'session']);
		expect(json.events).toMatchObject([
			{ ...events[0], sessionId: id, userId: caller.userId, organizationId: null },
			{ type: 'note', message: null, stage: null, payload: {} },
		]);
		expect(json.session).toMatchObject({ status: 'generating', prd: { a: 1, b: 2 }, plan: { c: { d: 3 } } });
		expect([headers.get('ETag'), headers.get('Idempotency-Replayed')]).toEqual(['"2"', null]);
		const details = await caller.details(id);
		expect(details).toEqual({ ...json.session, events: [expect.anything(), ...json.events] });
		expect(positionsOf(details.events)).toEqual([1, 2, 3]);
	});

	it('accepts 100 events', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { json } = await step(caller, id, { events: notes(100) });
		expect(json.events.map(({ type }) => type)).toEqual(notes(100).map(({ type }) => type));
		expect(positionsOf(json.events)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
		expect((await caller.details(id)).events).toEqual(json.events);
	});

	it.each([{}, { patch: {} }, { patch: { unknown: 1 } }])(
		'with %j changes neither the version nor updatedAt',
		async (body) => {
			const caller = await newCaller();
			const session = await caller.create({ prd: { a: 1 } });
			const { status, json, headers } = await step(caller, session.id, { events: notes(2), ...body });
			expect([status, json.session, headers.get('ETag')]).toEqual([201, session, '"1"']);
			expect(await tagOf(caller, session.id)).toBe('"1.2"');
		},
	);

	it('clears fields, stores the hash in the request, and computes the hash of a product object', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ prd: { a: 1 } });
		const own = { prd: null, productObject: { a: 1 }, productObjectHash: 'mine' };
		const first = await step(caller, id, { events: notes(1), patch: own });
		expect(first.json.session).toMatchObject(own);
		const second = await step(caller, id, { events: notes(1), patch: { productObject: { b: 2 } } });
		const patched = await caller.call('PATCH', `${SESSIONS}/${id}`, {
			body: { productObject: { a: 1, b: 2 } },
		});
		expect(second.json.session).toMatchObject({
			productObject: { a: 1, b: 2 },
			productObjectHash: patched.json.productObjectHash,
		});
		const third = await step(caller, id, { events: notes(1), patch: { productObject: null } });
		expect(third.json.session).toMatchObject({ productObject: null, productObjectHash: null });
		expect(positionsOf((await caller.details(id)).events)).toEqual([1, 2, 3]);
	});

	it('merges in the Worker when the merge is too large for D1', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ prd: { kept: 1 } });
		const large = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`member-${n}`, n]));
		const { status, json } = await step(caller, id, { events: notes(3), patch: { prd: large } });
		expect([status, json.session.prd]).toEqual([201, { kept: 1, ...large }]);
		expect((await caller.details(id)).events).toEqual(json.events);
	});

	it('keeps every byte of payloads and objects', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const object =
			'{"b":1,"2":-0,"1":1e400,"__proto__":{"x":[1.0]},"":"\\u0000\\ud800","q\\"\\\\":"\u2028é😀\\n","a b":{}}';
		const raw = `{ "events" : [ {"type":"a","payload": ${object.replaceAll(',', ' , ')} },
			{"payload":${object},"type":"b\\u0041"} ], "patch":{"plan":${object}, "status" : "failed"} }`;
		const { status, text } = await caller.call('POST', `${SESSIONS}/${id}/steps`, {
			raw,
			headers: { 'Content-Type': 'application/json' },
		});
		expect(status).toBe(201);
		expect(text.split(object)).toHaveLength(4);
		expect((await caller.call('GET', `${SESSIONS}/${id}`)).text.split(object)).toHaveLength(4);
		expect((await caller.details(id)).events.map(({ type }) => type)).toEqual(['a', 'bA']);
	});

	it('accepts a body at its limit, however long its payloads are as JSON strings', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		// Each quotation mark takes four bytes in the bound parameter.
		const payload = { text: '"'.repeat(32_000) };
		const events = Array.from({ length: 32 }, (_, n) => ({ type: `${n}`, payload }));
		const { status, json } = await step(caller, id, { events });
		expect([status, json.events.length]).toEqual([201, 32]);
		const stored = (await caller.details(id)).events;
		expect(stored.map(({ type }) => type)).toEqual(events.map(({ type }) => type));
		expect(stored.every((event) => event.payload.text === payload.text)).toBe(true);
	});

	it('binds its events in texts of at most 2,000,000 bytes, the limit of D1', async () => {
		// A local D1 accepts longer texts. A quotation mark in a payload takes two more bytes in the bound parameter.
		const bound: unknown[] = [];
		const d1 = wrappedD1(env.DB, (statements, work) => {
			for (const { values } of statements) bound.push(...values);
			return work();
		});
		const fetcher = serviceWith({ DB: d1 });
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		const payload = { text: '"'.repeat(32_000) };
		const events = Array.from({ length: 31 }, (_, n) => ({ type: `${n}`, payload }));
		expect((await step(caller, id, { events })).status).toBe(201);
		const texts = bound.filter((value) => typeof value === 'string' && value.length > 64_000);
		expect(texts.length).toBeGreaterThan(1);
		for (const text of texts)
			expect(new TextEncoder().encode(String(text)).byteLength).toBeLessThanOrEqual(2e6);
		expect(texts.flatMap((text) => JSON.parse(String(text)) as string[][]).map(([, type]) => type)).toEqual(
			events.map(({ type }) => type),
		);
	});

	it('returns 404 to all but the owner of the session', async () => {
		const [caller, stranger] = [await newCaller(), await newCaller()];
		const { id } = await caller.create();
		const answer = await step(stranger, id, { events: notes(1), patch: { plan: {} } });
		expect([answer.status, await caller.details(id)]).toMatchObject([404, { events: [], plan: null }]);
	});

	it('requires PRODUCTS:WRITE', async () => {
		const reader = await newCaller({ permissions: ['PRODUCTS:READ', 'PRODUCTS:DELETE'] });
		const answer = await step(reader, 'sess_01k2vxq8f3e7ttyyds0t6w2h4b', { events: notes(1) });
		expect(answer.status).toBe(403);
	});

	it('returns 404 for a missing or an expired session', async () => {
		const caller = await newCaller();
		expect((await step(caller, 'sess_01k2vxq8f3e7ttyyds0t6w2h4b', { events: notes(1) })).status).toBe(404);
		const { id } = await caller.create();
		await expire(id);
		for (const patch of [undefined, { plan: {} }, { productObject: {} }]) {
			const answer = await step(caller, id, { events: notes(1), patch }, { 'Idempotency-Key': 'k' });
			expect(answer.status).toBe(404);
		}
		expect(await countRows('events', 'session_id = ?', id)).toBe(0);
	});
});

describe('an invalid step', () => {
	it.each([
		[{}, 'events'],
		[{ events: [] }, 'events'],
		[{ events: {} }, 'events'],
		[{ events: notes(101) }, 'events'],
		[{ events: [...notes(3), {}] }, 'events.3.type'],
		[{ events: [...notes(3), { type: '' }] }, 'events.3.type'],
		[{ events: [{ type: 'a', payload: [] }] }, 'events.0.payload'],
		[{ events: [{ type: 'a', payload: null }] }, 'events.0.payload'],
		[{ events: [{ type: 'a', message: 'x'.repeat(10_001) }] }, 'events.0.message'],
		[{ events: [1] }, 'events.0'],
		[{ events: notes(1), patch: null }, 'patch'],
		[{ events: notes(1), patch: [] }, 'patch'],
		[{ events: notes(1), patch: { plan: [] } }, 'patch.plan'],
		[{ events: notes(1), patch: { status: null } }, 'patch.status'],
		[{ events: notes(1), patch: { status: 'unknown' } }, 'patch.status'],
	])('returns 400 with the path of the problem: %j', async (body, path) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { status, json } = await step(caller, id, body);
		expect([status, json]).toMatchObject([400, { code: 'VALIDATION_ERROR', details: [{ path }] }]);
		expect(await caller.details(id)).toMatchObject({ events: [] });
	});

	const nested = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;
	const send = (caller: Caller, id: string, raw: string) =>
		caller.call('POST', `${SESSIONS}/${id}/steps`, { raw, headers: { 'Content-Type': 'application/json' } });

	it('returns 400 when an object nests deeper than 100 levels, and 201 when it does not', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const bodyOf = (levels: number) =>
			`{"events":[{"type":"a"},{"type":"b","payload":${nested(levels)}}],"patch":{"plan":${nested(levels)}}}`;
		const { status, json } = await send(caller, id, bodyOf(101));
		expect([status, json]).toMatchObject([
			400,
			{ details: [{ path: 'events.1.payload' }, { path: 'patch.plan' }] },
		]);
		const taken = await send(caller, id, bodyOf(100));
		expect(taken.status).toBe(201);
		expect(taken.text).toContain(`"payload":${nested(100)}`);
		expect(taken.text).toContain(`"plan":${nested(100)}`);
	});

	it('is not one with unknown members, which are ignored at each level', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const deep = '['.repeat(50_000) + ']'.repeat(50_000);
		const raw = `{"x":${deep},"events":[{"x":${deep},"type":"a","payload":{"2":1,"1":2}}],"patch":{"x":${deep},"plan":{"b":1.0}}}`;
		const { status, text } = await send(caller, id, raw);
		expect(status).toBe(201);
		expect(text).toContain('"payload":{"2":1,"1":2}');
		expect(text).toContain('"plan":{"b":1.0}');
	});

	it('returns at most 100 problems, however many events it has', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { status, json } = await send(caller, id, `{"events":[${'{},'.repeat(200_000)}{}]}`);
		expect(status).toBe(400);
		expect((json.details as unknown[]).length).toBeLessThanOrEqual(100);
	});

	it.each([
		['events.1.payload', { events: [{ type: 'a' }, { type: 'b', payload: { a: 'x'.repeat(65_536) } }] }],
		['plan', { events: notes(2), patch: { status: 'failed', plan: { a: 'x'.repeat(400_000) } } }],
	])('returns 413 with the path of %s, and changes nothing', async (path, body) => {
		const caller = await newCaller();
		const session = await caller.create();
		const { status, json } = await step(caller, session.id, body, { 'Idempotency-Key': 'k' });
		expect([status, json]).toMatchObject([
			413,
			{ code: 'PAYLOAD_TOO_LARGE', error: expect.stringContaining(path) },
		]);
		expect(await caller.details(session.id)).toEqual({ ...session, events: [] });
	});

	it.each(['plan', 'productObject'])('changes nothing when %s would exceed its limit', async (field) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { [field]: { a: 'x'.repeat(250_000) } } });
		const before = await caller.details(id);
		const patch = { [field]: { b: 'x'.repeat(250_000) }, status: 'failed' };
		const { status, json } = await step(caller, id, { events: notes(2), patch }, { 'Idempotency-Key': 'k' });
		expect([status, json]).toMatchObject([413, { error: expect.stringContaining(field) }]);
		expect(await caller.details(id)).toEqual(before);
	});
});

describe('If-Match on a step', () => {
	it.each([
		['with a patch', { plan: { a: 1 } }],
		['without a patch', undefined],
		['with a product object', { productObject: { a: 1 } }],
	])('%s allows the current tag, whatever was appended since', async (_, patch) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await step(caller, id, { events: notes(2) });
		for (const tag of ['"1"', '"1.1"', '"7", "1.2"', '*']) {
			const answer = await step(caller, id, { events: notes(1) }, { 'If-Match': tag });
			expect([tag, answer.status]).toEqual([tag, 201]);
		}
		expect((await step(caller, id, { events: notes(1), patch }, { 'If-Match': '"1"' })).status).toBe(201);
	});

	it.each([
		['with a patch', { plan: { a: 1 } }],
		['without a patch', undefined],
		['with a product object', { productObject: { a: 1 } }],
	])('%s returns 412 with the current tag for a stale one, and changes nothing', async (_, patch) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await step(caller, id, { events: notes(1), patch: { status: 'generating' } });
		const before = await caller.details(id);
		for (const key of [{}, { 'Idempotency-Key': 'k' }] as Record<string, string>[]) {
			const { status, json, headers } = await step(
				caller,
				id,
				{ events: notes(2), patch },
				{ 'If-Match': '"1"', ...key },
			);
			expect([status, headers.get('ETag')]).toEqual([412, '"2.1"']);
			expect(json).toMatchObject({ code: 'PRECONDITION_FAILED' });
		}
		expect(await caller.details(id)).toEqual(before);
	});

	it('allows exactly one of 20 concurrent steps', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const answers = await Promise.all(
			Array.from({ length: 20 }, (_, n) =>
				step(caller, id, { events: [{ type: `${n}` }], patch: { plan: { n } } }, { 'If-Match': '"1"' }),
			),
		);
		expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
		expect(answers.filter(({ status }) => status === 412)).toHaveLength(19);
		const { events, plan } = await caller.details(id);
		expect(events.map(({ type }) => type)).toEqual([String(plan?.n)]);
	});
});

describe('Idempotency-Key on a step', () => {
	const key = { 'Idempotency-Key': 'k' };
	const patches = [
		['with a patch', { plan: { a: 1 }, status: 'generating' }],
		['without a patch', undefined],
		['with a product object', { productObject: { a: 1 } }],
		[
			'with a large patch',
			{ plan: Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`m${n}`, n])) },
		],
	] as const;

	it.each(patches)('%s makes a retry return the same events and the current session', async (_, patch) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.append(id);
		const body = { events: notes(3), patch };
		const first = await step(caller, id, body, key);
		await step(caller, id, { events: notes(2), patch: { status: 'failed', prd: { since: true } } });
		const before = await caller.call('GET', `${SESSIONS}/${id}`);
		const again = await step(caller, id, body, key);
		expect([again.status, again.headers.get('Idempotency-Replayed')]).toEqual([201, 'true']);
		expect(again.json.events).toEqual(first.json.events);
		expect(again.json.session).toMatchObject({ status: 'failed', prd: { since: true } });
		const after = await caller.call('GET', `${SESSIONS}/${id}`);
		expect(after.text).toBe(before.text);
		expect(`${again.headers.get('ETag')?.slice(0, -1)}.6"`).toBe(after.headers.get('ETag'));
	});

	it.each(patches)(
		'%s is checked before If-Match, and a retry succeeds although its tag is stale',
		async (_, patch) => {
			const caller = await newCaller();
			const { id } = await caller.create();
			const headers = { ...key, 'If-Match': '"1"' };
			const first = await step(caller, id, { events: notes(3), patch }, headers);
			await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { status: 'failed' } });
			const again = await step(caller, id, { events: notes(3), patch }, headers);
			expect([again.status, again.headers.get('Idempotency-Replayed')]).toEqual([201, 'true']);
			expect(again.json.events).toEqual(first.json.events);
		},
	);

	it.each(patches)('%s makes forty concurrent retries take effect once', async (_, patch) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const answers = await Promise.all(
			Array.from({ length: 40 }, () => step(caller, id, { events: notes(3), patch }, key)),
		);
		expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(201));
		const replayed = answers.map(({ headers }) => headers.get('Idempotency-Replayed'));
		expect(replayed.filter((header) => header === null)).toHaveLength(1);
		const { events } = await caller.details(id);
		expect(events).toHaveLength(3);
		for (const { json } of answers) expect(json.events).toEqual(events);
		expect(await tagOf(caller, id)).toBe(patch ? '"2.3"' : '"1.3"');
	});

	it.each([
		['other events', { events: notes(3), patch: { plan: { a: 1 } } }],
		[
			'another payload',
			{ events: [{ type: 'note-0', payload: { a: 1 } }, { type: 'note-1' }], patch: { plan: { a: 1 } } },
		],
		['another patch', { events: notes(2), patch: { plan: { a: 2 } } }],
		['another field', { events: notes(2), patch: { prd: { a: 1 } } }],
		['no patch', { events: notes(2) }],
		['a large patch', { events: notes(2), patch: patches[3][1] }],
	])('with %s returns 422, and changes nothing', async (_, body) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await step(caller, id, { events: notes(2), patch: { plan: { a: 1 } } }, key);
		const before = await caller.details(id);
		const { status, json } = await step(caller, id, body, key);
		expect([status, json]).toMatchObject([422, { code: 'IDEMPOTENCY_KEY_REUSED' }]);
		expect(await caller.details(id)).toEqual(before);
	});

	it('is shared with append: each returns 422 for a key of the other', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const append = (name: string) =>
			caller.call('POST', `${SESSIONS}/${id}/events`, {
				body: { type: 'note-0' },
				headers: { 'Idempotency-Key': name },
			});
		await append('appended');
		await step(caller, id, { events: notes(1) }, { 'Idempotency-Key': 'stepped' });
		const statuses = [
			(await append('stepped')).status,
			(await step(caller, id, { events: notes(1) }, { 'Idempotency-Key': 'appended' })).status,
		];
		expect(statuses).toEqual([422, 422]);
		expect((await caller.details(id)).events).toHaveLength(2);
	});

	it('belongs to its session', async () => {
		const caller = await newCaller();
		for (const { id } of [await caller.create(), await caller.create()]) {
			const answer = await step(caller, id, { events: notes(1), patch: { plan: { a: 1 } } }, key);
			expect([answer.status, answer.headers.get('Idempotency-Replayed')]).toEqual([201, null]);
		}
	});

	it('makes a retry succeed although the patch would exceed the limit by now', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		for (const field of ['plan', 'productObject']) {
			const body = { events: notes(1), patch: { [field]: { a: 'x'.repeat(250_000), z: null } } };
			const headers = { 'Idempotency-Key': field };
			const first = await step(caller, id, body, headers);
			await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { [field]: { b: 'x'.repeat(250_000) } } });
			const again = await step(caller, id, body, headers);
			expect([again.status, again.json.events]).toEqual([201, first.json.events]);
		}
	});
});
