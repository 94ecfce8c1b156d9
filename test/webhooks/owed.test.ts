import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { cleanUpAll } from '../../src/cleanup/all.ts';
import { runWebhooks } from '../../src/webhooks/run.ts';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { d1s, expire, query } from '../support/database.ts';
import { faultyD1, serviceWith } from '../support/faulty-d1.ts';
import { isSignedBy, receive } from '../support/receiver.ts';
import { FIVE, near, travelling } from '../support/several-databases.ts';
import { createWebhook, WEBHOOKS } from '../support/webhooks.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

const NO_QUEUE = { WEBHOOK_QUEUE: undefined as never };
const fetcher = serviceWith(NO_QUEUE);
const deliver = (now = Date.now(), bindings = {}) =>
	runWebhooks({ ...env, ...NO_QUEUE, ...bindings }, now, 1000);

/** The types of the messages that are owed, oldest first. */
async function owed(): Promise<string[]> {
	const rows = await query<{ type: string }>('SELECT type FROM webhook_messages ORDER BY created_at, id');
	return rows.map(({ type }) => type);
}

afterEach(async () => {
	vi.restoreAllMocks();
	for (const d1 of d1s)
		await d1.batch([d1.prepare('DELETE FROM webhook_messages'), d1.prepare('DELETE FROM webhook_endpoints')]);
});

const patch = (caller: Caller, id: string, body: object, headers = {}) =>
	caller.call('PATCH', `${SESSIONS}/${id}`, { body, headers });

describe('a message', () => {
	it('tells of each change that the webhook asked for, signed, without content of the session', async () => {
		const received = receive();
		const caller = await newCaller({ fetcher, organizationId: 'org_1' });
		const { secret } = await createWebhook(caller);
		const session = await caller.create({ prd: { secret: 'content' } });
		await patch(caller, session.id, { status: 'generating', plan: { secret: 'content' } });
		const event = await caller.append(session.id, {
			type: 'input.given',
			message: 'content',
			payload: { a: 'content' },
		});
		await caller.call('DELETE', `${SESSIONS}/${session.id}`);
		await deliver();
		const of = { sessionId: session.id, userId: caller.userId, organizationId: 'org_1' };
		const suffix = session.id.slice(5);
		const sorted = received.toSorted(
			(a, b) => a.body.timestamp.localeCompare(b.body.timestamp) || a.id.localeCompare(b.id),
		);
		const bodies = new Map(sorted.map(({ id, body }) => [id, body]));
		expect(Object.fromEntries(bodies)).toEqual({
			[`msg_${suffix}_v1`]: {
				type: 'session.created',
				timestamp: session.createdAt,
				data: { ...of, status: 'intake', etag: '"1"' },
			},
			[`msg_${suffix}_v2`]: {
				type: 'session.status_changed',
				timestamp: expect.any(String),
				data: { ...of, status: 'generating', etag: '"2"' },
			},
			[`msg_${suffix}_e0000000001`]: {
				type: 'event:input.given',
				timestamp: event.createdAt,
				data: { ...of, status: 'generating', etag: '"2"', eventId: event.id, eventType: 'input.given' },
			},
			[`msg_${suffix}_deleted`]: {
				type: 'session.deleted',
				timestamp: expect.any(String),
				data: { ...of, status: 'generating', etag: '"2"' },
			},
		});
		for (const message of received) {
			expect(isSignedBy(secret, message)).toBe(true);
			expect(message.headers['content-type']).toBe('application/json');
			expect(message.text).not.toContain('content');
		}
		expect(await owed()).toEqual([]);
	});

	it('goes to the webhooks that asked for it, and to no other', async () => {
		const received = receive();
		const caller = await newCaller({ fetcher });
		const urls: Record<string, string[]> = {
			status: ['session.status_changed'],
			deleted: ['session.deleted', 'session.expired'],
			input: ['event:input.*'],
			exact: ['event:input.given', 'session.created'],
			percent: ['event:input_%*', 'event:INPUT.given', 'event:input.given*'],
			all: ['event:*'],
		};
		for (const [name, events] of Object.entries(urls)) {
			await createWebhook(caller, { url: `https://${name}.example.com/`, events });
		}
		const { id } = await caller.create();
		await patch(caller, id, { status: 'failed' });
		for (const type of ['input.given', 'input', 'output']) await caller.append(id, { type });
		await deliver();
		const got = received.map(({ url, body }) => `${url.slice(8).split('.')[0]} ${body.type}`).sort();
		expect(got).toEqual([
			'all event:input',
			'all event:input.given',
			'all event:output',
			'exact event:input.given',
			'exact session.created',
			'input event:input.given',
			'percent event:input.given',
			'status session.status_changed',
		]);
	});

	it('is not owed to the webhooks of other callers, nor to disabled ones', async () => {
		const owner = await newCaller({ fetcher, organizationId: 'org_a' });
		const others = [
			await newCaller({ fetcher, userId: owner.userId }),
			await newCaller({ fetcher, userId: owner.userId, organizationId: 'org_b' }),
			await newCaller({ fetcher, organizationId: 'org_a' }),
		];
		for (const other of others) await createWebhook(other);
		const { id } = await createWebhook(owner);
		await owner.call('PATCH', `${WEBHOOKS}/${id}`, { body: { enabled: false } });
		await owner.append((await owner.create()).id);
		expect(await owed()).toEqual([]);
		await owner.call('PATCH', `${WEBHOOKS}/${id}`, { body: { enabled: true } });
		await owner.create();
		expect(await owed()).toEqual(['session.created']);
	});
});

describe('a write that changes nothing owes nothing', () => {
	it.each([
		['the same status', { status: 'intake' }, {}],
		['no status', { plan: { a: 1 } }, {}],
		['a stale If-Match', { status: 'failed' }, { 'If-Match': '"7"' }],
		['a merge of another member', { plan: { a: 1 } }, { 'Content-Type': 'application/merge-patch+json' }],
	])('as %s', async (_, body, headers) => {
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		await createWebhook(caller);
		await patch(caller, id, body, headers);
		expect(await owed()).toEqual([]);
	});

	it('as a write to the session of another caller, or to one that has expired', async () => {
		const [owner, stranger] = [await newCaller({ fetcher }), await newCaller({ fetcher })];
		const { id } = await owner.create();
		for (const caller of [owner, stranger]) await createWebhook(caller);
		const attempts = async (caller: Caller) => {
			await patch(caller, id, { status: 'failed' });
			await caller.call('POST', `${SESSIONS}/${id}/events`, { body: { type: 'a' } });
			await caller.call('POST', `${SESSIONS}/${id}/steps`, {
				body: { events: [{ type: 'a' }], patch: { status: 'failed' } },
			});
			await caller.call('DELETE', `${SESSIONS}/${id}`);
		};
		await attempts(stranger);
		await expire(id);
		await attempts(owner);
		expect(await owed()).toEqual([]);
	});

	it('as a retry with the same Idempotency-Key, or with one that is reused', async () => {
		const caller = await newCaller({ fetcher });
		await createWebhook(caller);
		const call = (path: string, body: object) =>
			caller.call('POST', SESSIONS + path, { body, headers: { 'Idempotency-Key': 'k' } });
		const { json } = await call('', {});
		const calls: [string, object][] = [
			['', {}],
			[`/${json.id}/events`, { type: 'a' }],
		];
		for (const [path, body] of calls) await call(path, body);
		const once = await owed();
		expect(once).toEqual(['session.created', 'event:a']);
		for (const [path, body] of calls) await call(path, body);
		await call('', { catalogVersion: 'other' });
		await call(`/${json.id}/events`, { type: 'other' });
		expect(await owed()).toEqual(once);
	});

	it('as a delete with a stale If-Match, and an append over the quota', async () => {
		const caller = await newCaller({ fetcher: serviceWith({ ...NO_QUEUE, MAX_EVENTS_PER_SESSION: '1' }) });
		const { id } = await caller.create();
		await caller.append(id);
		await createWebhook(caller);
		await caller.call('DELETE', `${SESSIONS}/${id}`, { headers: { 'If-Match': '"9"' } });
		await caller.call('POST', `${SESSIONS}/${id}/events`, { body: { type: 'a' } });
		const step = { events: [{ type: 'a' }], patch: { status: 'failed' } };
		await caller.call('POST', `${SESSIONS}/${id}/steps`, { body: step });
		expect(await owed()).toEqual([]);
	});
});

describe('a step', () => {
	const step = { events: [{ type: 'a' }, { type: 'b' }], patch: { status: 'generating' } };

	it.each([
		['without a key', {}],
		['with an Idempotency-Key', { 'Idempotency-Key': 'k' }],
	])('owes its events and its status once, %s', async (_, headers) => {
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		await caller.append(id, { type: 'before' });
		await createWebhook(caller);
		await caller.call('POST', `${SESSIONS}/${id}/steps`, { body: step, headers });
		expect((await owed()).sort()).toEqual(['event:a', 'event:b', 'session.status_changed']);
		if (!('Idempotency-Key' in headers)) return;
		await caller.call('POST', `${SESSIONS}/${id}/steps`, { body: step, headers });
		expect(await owed()).toHaveLength(3);
	});

	it('owes them too when the Worker merges', async () => {
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		await createWebhook(caller);
		const body = { ...step, patch: { ...step.patch, productObject: { a: 1 } } };
		await caller.call('POST', `${SESSIONS}/${id}/steps`, { body });
		await patch(
			caller,
			id,
			{ status: 'complete', productObject: { b: 1 } },
			{ 'Content-Type': 'application/merge-patch+json' },
		);
		expect((await owed()).sort()).toEqual([
			'event:a',
			'event:b',
			'session.status_changed',
			'session.status_changed',
		]);
	});

	it('owes a hundred events', async () => {
		const caller = await newCaller({ fetcher });
		const { id } = await caller.create();
		await createWebhook(caller, { events: ['event:a'] });
		const events = Array.from({ length: 100 }, (_, n) => ({ type: n % 2 ? 'a' : 'b' }));
		await caller.call('POST', `${SESSIONS}/${id}/steps`, { body: { events } });
		expect(await owed()).toEqual(Array(50).fill('event:a'));
	});
});

describe('a lost response', () => {
	it('of D1 owes the message of a write that took effect, once', async () => {
		const faulty = faultyD1();
		const caller = await newCaller({ fetcher: serviceWith({ ...NO_QUEUE, DB: faulty.d1 }) });
		await createWebhook(caller);
		const lost = { message: 'D1_ERROR: Network connection lost.', when: 'after' } as const;
		faulty.next = [lost];
		const { id } = await caller.create();
		faulty.next = [lost];
		await caller.call('POST', `${SESSIONS}/${id}/events`, {
			body: { type: 'a' },
			headers: { 'Idempotency-Key': 'k' },
		});
		faulty.next = [lost];
		expect((await patch(caller, id, { status: 'failed' })).status).toBe(503);
		expect((await owed()).sort()).toEqual(['event:a', 'session.created', 'session.status_changed']);
	});

	it('of D1 holds up no message, also when a try has failed before the write is repeated', async () => {
		let code = 500;
		const received = receive(() => new Response(null, { status: code }));
		let isLost = false;
		const d1 = wrappedD1(env.DB, async (statements, work) => {
			const results = await work();
			if (isLost || !statements.some(({ sql }) => sql.includes('INSERT INTO sessions'))) return results;
			isLost = true;
			await deliver();
			throw new Error('D1_ERROR: Network connection lost.');
		});
		const caller = await newCaller({ fetcher: serviceWith({ ...NO_QUEUE, DB: d1 }) });
		await createWebhook(caller);
		const { id } = await caller.create();
		await deliver();
		await patch(caller, id, { status: 'failed' });
		code = 200;
		await deliver(Date.now() + 60_000);
		expect(new Set(received.map(({ body }) => body.type))).toEqual(
			new Set(['session.created', 'session.status_changed']),
		);
		expect(new Set(received.map(({ id: message }) => message)).size).toBe(2);
		expect(await owed()).toEqual([]);
	});
});

describe('an expired session', () => {
	it('owes a message when the cleanup deletes it, and a deleted one owes none', async () => {
		const received = receive();
		const caller = await newCaller({ fetcher });
		await createWebhook(caller, { events: ['session.expired', 'session.deleted'] });
		const expired = await caller.create();
		await caller.append(expired.id);
		const deleted = await caller.create();
		const events = Array.from({ length: 100 }, () => ({ type: 'a' }));
		for (let n = 0; n < 11; n += 1)
			await caller.call('POST', `${SESSIONS}/${deleted.id}/steps`, { body: { events } });
		await caller.call('DELETE', `${SESSIONS}/${deleted.id}`);
		await expire(expired.id, '2026-01-01T00:00:00.000Z');
		await cleanUpAll({ ...env, ...NO_QUEUE }, Date.now());
		expect(received.map(({ body }) => [body.type, body.data.sessionId]).sort()).toEqual([
			['session.deleted', deleted.id],
			['session.expired', expired.id],
		]);
		const told = received.find(({ body }) => body.type === 'session.expired');
		expect(told?.body.timestamp).toBe('2026-01-01T00:00:00.000Z');
	});
});

describe('several databases', () => {
	it('each owe the messages of their own sessions', async () => {
		const received = receive();
		const caller = await newCaller({ fetcher: travelling({ ...FIVE, ...NO_QUEUE }) });
		const { secret } = await createWebhook(caller);
		const sessions = [];
		for (let n = 0; n < 5; n += 1) {
			const session = await caller.create();
			await caller.append(session.id, { type: 'a' });
			sessions.push(session.id);
		}
		await deliver(Date.now(), FIVE);
		expect(received).toHaveLength(10);
		expect(new Set(received.map(({ body }) => body.data.sessionId))).toEqual(new Set(sessions));
		expect(received.every((message) => isSignedBy(secret, message))).toBe(true);
	});

	it.each(['DB', 'DB_3'] as const)('get their messages sent while another one fails: %s', async (name) => {
		const received = receive();
		const caller = await newCaller({ fetcher: travelling({ ...FIVE, ...NO_QUEUE }) });
		await createWebhook(caller, { events: ['session.created'] });
		const sessions: string[] = [];
		for (let n = 0; n < 5; n += 1) sessions.push((await caller.create()).id);
		const failing = wrappedD1(name === 'DB' ? env.DB : env.FURTHER_3, async () => {
			throw new Error('D1 DB is overloaded.');
		});
		await expect(deliver(Date.now(), { ...FIVE, [name]: failing })).rejects.toThrow('cannot be reached');
		expect(received).toHaveLength(4);
		await deliver(Date.now(), FIVE);
		expect(received.map(({ body }) => body.data.sessionId).sort()).toEqual(sessions.sort());
	});

	it('get many of them in several runs, each within the statements of one', async () => {
		for (let callers = 0; callers < 2; callers += 1) {
			const caller = await newCaller({ fetcher });
			for (let n = 0; n < 10; n += 1) await createWebhook(caller);
		}
		let statements = 0;
		const counted = (d1: D1Database) =>
			wrappedD1(d1, (some, work) => {
				statements += some.length;
				return work();
			});
		const bindings = { ...env, ...NO_QUEUE, DB: counted(env.DB), DB_1: counted(env.FURTHER_1) };
		const copies = async () =>
			(await env.FURTHER_1.prepare('SELECT id FROM webhook_endpoints').all()).results.length;
		for (let runs = 1; (await copies()) < 20; runs += 1) {
			expect(runs).toBeLessThan(10);
			statements = 0;
			await runWebhooks(bindings, Date.now(), 50);
			expect(statements).toBeLessThanOrEqual(50);
		}
	});

	it('get the webhooks that they lack by the scheduled run: after a failure, and when they are new', async () => {
		const faulty = faultyD1(env.FURTHER_2);
		const caller = await newCaller({ fetcher: near(2, { ...FIVE, ...NO_QUEUE, DB_2: faulty.d1 }) });
		faulty.next = [{ message: 'D1 DB is overloaded.', when: 'before' }];
		const failed = await caller.call('POST', WEBHOOKS, {
			body: { url: 'https://a.example.com/', events: ['event:*'] },
		});
		expect(failed.status).toBe(503);
		const alone = await newCaller({ userId: caller.userId, fetcher });
		await createWebhook(alone);
		await deliver(Date.now(), FIVE);
		for (const d1 of d1s) {
			const { results } = await d1
				.prepare('SELECT id FROM webhook_endpoints WHERE user_id = ?')
				.bind(caller.userId)
				.all();
			expect(results).toHaveLength(2);
		}
	});
});
