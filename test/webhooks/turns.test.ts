import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deliverWoken, runWebhooks } from '../../src/webhooks/run.ts';
import type { Wake } from '../../src/webhooks/wake.ts';
import { query } from '../support/database.ts';
import { type Answering, receive } from '../support/receiver.ts';
import { createWebhook, NO_QUEUE, owing } from '../support/webhooks.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

/** The most wakes in a batch of the queue: wrangler.toml. */
const BATCH = 5;

afterEach(async () => {
	vi.restoreAllMocks();
	await query('DELETE FROM webhook_messages');
	await query('DELETE FROM webhook_endpoints');
});

/** Delivers to the endpoints that a batch of the queue names. Resolves when the queue may give the next batch. */
async function wake(endpoints: readonly string[]): Promise<void> {
	const messages = endpoints.map((endpoint) => ({ body: { database: 0, endpoint }, retry: () => undefined }));
	const bindings = { ...env, ...NO_QUEUE };
	await deliverWoken({ messages } as never, bindings, {
		waitUntil: (work) => void work.catch(() => undefined),
	});
}

/** Delivers to the endpoints that a queue names, batch for batch. */
async function wakeInTurn(endpoints: readonly string[]): Promise<void> {
	for (let at = 0; at < endpoints.length; at += BATCH) await wake(endpoints.slice(at, at + BATCH));
}

/** An answer of an endpoint that hangs, until it is released. */
function hanging() {
	const waiting: ((response: Response) => void)[] = [];
	const answer = (): Promise<Response> => new Promise((resolve) => waiting.push(resolve));
	const release = () => {
		for (const resolve of waiting.splice(0)) resolve(new Response(null, { status: 200 }));
	};
	return { answer, release };
}

/** Answers at once, but for the URLs that hang. */
function receiveUnlessHanging() {
	const { answer, release } = hanging();
	const ok: Answering = () => new Response(null, { status: 200 });
	const received = receive((message, signal) =>
		message.url.includes('hangs') ? answer() : ok(message, signal),
	);
	const count = (part: string) => received.filter(({ url }) => url.includes(part)).length;
	return { received, release, count };
}

describe('an endpoint', () => {
	it('has one delivery at a time, however often it is woken and from wherever', async () => {
		const { release, count } = receiveUnlessHanging();
		const { webhook } = await owing(100, { url: 'https://hangs.example.com/' });
		const deliveries = [
			wakeInTurn(Array(4).fill(webhook.id)),
			...Array.from({ length: 4 }, () => runWebhooks({ ...env, ...NO_QUEUE }, Date.now(), 1000)),
		];
		await expect.poll(() => count('hangs')).toBe(1);
		await wake([webhook.id]);
		expect(count('hangs')).toBe(1);
		for (let sent = 0; sent < count('hangs'); ) {
			sent = count('hangs');
			release();
			await expect.poll(() => count('hangs') > sent || count('hangs') === 100).toBe(true);
		}
		release();
		await Promise.all(deliveries);
		expect(count('hangs')).toBe(100);
		await expect.poll(() => query('SELECT id FROM webhook_messages')).toEqual([]);
	});

	it('gets what is owed while a delivery goes on, although the wake for it finds that delivery', async () => {
		const { release, count } = receiveUnlessHanging();
		const { webhook, append } = await owing(1, { url: 'https://hangs.example.com/' });
		const delivery = wake([webhook.id]);
		await expect.poll(() => count('hangs')).toBe(1);
		await append(1);
		await wake([webhook.id]);
		expect(count('hangs')).toBe(1);
		release();
		await expect.poll(() => count('hangs')).toBe(2);
		release();
		await delivery;
		await expect.poll(() => query('SELECT id FROM webhook_messages')).toEqual([]);
	});

	it('is delivered to again when its delivery was cut off', async () => {
		const { count } = receiveUnlessHanging();
		const { webhook, append } = await owing(1, { url: 'https://hangs.example.com/' });
		const began = Date.now();
		await wake([webhook.id]);
		await append(1);
		await query('UPDATE webhook_endpoints SET url = ?', 'https://works.example.com/');
		await runWebhooks({ ...env, ...NO_QUEUE }, began + 20_000, 1000);
		expect(count('works')).toBe(0);
		await runWebhooks({ ...env, ...NO_QUEUE }, Date.now() + 60_000, 1000);
		expect(count('works')).toBe(2);
	});
});

describe('endpoints of a batch', () => {
	it('leave each other a connection, also when they begin to hang after their first answer', async () => {
		let first = 0;
		const received = receive(({ url }) => {
			if (url.includes('works')) return new Response(null, { status: 200 });
			first += 1;
			return first <= 2 ? new Response(null, { status: 200 }) : new Promise(() => {});
		});
		const ids: string[] = [];
		for (const name of ['stops-a', 'stops-b', 'works'])
			ids.push((await owing(20, { url: `https://${name}.example.com/` })).webhook.id);
		await wake(ids);
		await expect.poll(() => received.filter(({ url }) => url.includes('works')).length).toBe(20);
	});

	it('stay within the statements of an invocation, also when all go on', async () => {
		receive();
		const ids: string[] = [];
		for (let n = 0; n < BATCH; n += 1)
			ids.push((await owing(60, { url: `https://${n}.example.com/` })).webhook.id);
		let woken = ids;
		for (let batches = 1; woken.length > 0; batches += 1) {
			expect(batches).toBeLessThan(20);
			let statements = 0;
			const d1 = wrappedD1(env.DB, (some, work) => {
				statements += some.length;
				return work();
			});
			const next = new Set<string>();
			const queue = { send: async ({ endpoint }: Wake) => void next.add(endpoint) };
			const bindings = { ...env, DB: d1, WEBHOOK_QUEUE: queue as never, CLEANUP_MAX_STATEMENTS: '50' };
			const works: Promise<unknown>[] = [];
			const messages = woken.map((endpoint) => ({ body: { database: 0, endpoint } }));
			await deliverWoken({ messages } as never, bindings, { waitUntil: (work) => void works.push(work) });
			await Promise.all(works);
			expect(statements).toBeLessThanOrEqual(50);
			woken = [...next];
		}
		expect(await query('SELECT id FROM webhook_messages')).toEqual([]);
	});
});

describe('a host of many callers', () => {
	it('has places for others when the endpoints of one caller hang', async () => {
		const { count } = receiveUnlessHanging();
		const first = await owing(0, { url: 'https://shared.example.com/hangs/0' });
		const ids = [first.webhook.id];
		for (let n = 1; n < 10; n += 1) {
			const url = `https://shared.example.com/hangs/${n}`;
			ids.push((await createWebhook(first.caller, { url, events: ['event:*'] })).id);
		}
		await first.append(100);
		const other = await owing(1, { url: 'https://shared.example.com/works' });
		await wakeInTurn([...ids, other.webhook.id]);
		expect([count('hangs'), count('works')]).toEqual([4, 1]);
	});
});

describe('a scheduled run without a queue', () => {
	it('begins with the endpoints to which all arrived', async () => {
		receive(({ url }) => new Response(null, { status: url.includes('fails') ? 500 : 200 }));
		const failing = await owing(1, { url: 'https://fails.example.com/' });
		await runWebhooks({ ...env, ...NO_QUEUE }, Date.now(), 1000);
		const working = await owing(1, { url: 'https://works.example.com/' });
		const taken: unknown[] = [];
		const d1 = wrappedD1(env.DB, (statements, work) => {
			if (statements[0]?.sql.includes('failed_in_a_row, failing_since')) taken.push(statements[0].values[0]);
			return work();
		});
		await runWebhooks({ ...env, ...NO_QUEUE, DB: d1 }, Date.now() + 10_000, 1000);
		expect(taken.slice(0, 2)).toEqual([working.webhook.id, failing.webhook.id]);
	});

	it('goes on with them before it waits for more of those that hang', async () => {
		const { count } = receiveUnlessHanging();
		for (let n = 0; n < 8; n += 1) await owing(2, { url: `https://hangs-${n}.example.com/` });
		await query("UPDATE webhook_endpoints SET failing_since = '2026-01-01T00:00:00.000Z'");
		await owing(100, { url: 'https://works.example.com/' });
		void runWebhooks({ ...env, ...NO_QUEUE }, Date.now(), 1000);
		await expect.poll(() => count('works')).toBe(100);
	});
});

describe('ten endpoints of one caller that hang, with thousands of messages', () => {
	// A batch waits only for deliveries that it began, so the ten put off all others by two batches.
	it('take one request each, however often they are woken before another caller', async () => {
		const { count } = receiveUnlessHanging();
		const first = await owing(0, { url: 'https://hangs.0.example.com/' });
		const ids = [first.webhook.id];
		for (let n = 1; n < 10; n += 1)
			ids.push(
				(await createWebhook(first.caller, { url: `https://hangs.${n}.example.com/`, events: ['event:*'] }))
					.id,
			);
		await first.append(300);
		const other = await owing(1, { url: 'https://works.example.com/' });
		// Each write wakes each endpoint.
		const woken = Array.from({ length: 30 }, () => ids).flat();
		await wakeInTurn(woken);
		await wake([other.webhook.id]);
		expect([count('hangs'), count('works')]).toEqual([10, 1]);
	});
});
