import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deliverWoken } from '../../src/webhooks/run.ts';
import type { Wake } from '../../src/webhooks/wake.ts';
import { query } from '../support/database.ts';
import { receive } from '../support/receiver.ts';
import { owing } from '../support/webhooks.ts';

afterEach(async () => {
	vi.restoreAllMocks();
	await query('DELETE FROM webhook_messages');
	await query('DELETE FROM webhook_endpoints');
});

/** Delivers to an endpoint at a time. Returns in how many seconds each further wake comes. */
async function wakeAt(endpoint: string, now: number): Promise<number[]> {
	const delays: number[] = [];
	const queue = {
		send: async (_: Wake, { delaySeconds }: { delaySeconds: number }) => void delays.push(delaySeconds),
	};
	const work: Promise<unknown>[] = [];
	const messages = [{ body: { database: 0, endpoint, now } }];
	const bindings = { ...env, WEBHOOK_QUEUE: queue as never };
	await deliverWoken({ messages } as never, bindings, { waitUntil: (promise) => void work.push(promise) });
	await Promise.all(work);
	return delays;
}

describe('a delivery', () => {
	it('wakes the next one for the first message that is due later, also for those of earlier deliveries', async () => {
		let status = 500;
		const received = receive(() => new Response(null, { status }));
		const { webhook, append } = await owing(3);
		// Ahead of the clock of this machine, so that it stands still.
		const now = Date.now() + 3_600_000;
		const [delay, ...others] = await wakeAt(webhook.id, now);
		expect([delay, others]).toEqual([expect.toSatisfy((seconds) => seconds >= 5 && seconds <= 6), []]);
		for (const [at, seconds] of [10, 100, 250].entries()) {
			const due = new Date(now + seconds * 1000).toISOString();
			await query(`UPDATE webhook_messages SET next_try_at = ? WHERE id LIKE '%e000000000${at + 1}'`, due);
		}
		status = 200;
		await append(1);
		// Another message that arrives at once says nothing about them: their wake is on its way.
		expect(await wakeAt(webhook.id, now)).toEqual([]);
		expect(await wakeAt(webhook.id, now + 10_000)).toEqual([90]);
		expect(await wakeAt(webhook.id, now + 100_000)).toEqual([150]);
		expect(await wakeAt(webhook.id, now + 250_000)).toEqual([]);
		expect(received).toHaveLength(7);
	});

	it('that makes the endpoint pause wakes the next one for the end, because a wake during the pause ends without a delivery', async () => {
		let status = 503;
		const received = receive(() => new Response(null, { status }));
		const { webhook, append } = await owing(1);
		// Its next try is due in half an hour, so it does not wake anybody.
		await query('UPDATE webhook_messages SET tries = 2');
		const now = Date.now() + 3_600_000;
		expect(await wakeAt(webhook.id, now)).toEqual([5]);
		status = 204;
		await append(1);
		expect(await wakeAt(webhook.id, now + 1000)).toEqual([]);
		expect(received).toHaveLength(1);
		await wakeAt(webhook.id, now + 5000);
		expect(received).toHaveLength(2);
	});

	it('wakes no other one for what the scheduled run finds as soon', async () => {
		receive(() => new Response(null, { status: 500, headers: { 'Retry-After': '700' } }));
		const { webhook } = await owing(2);
		expect(await wakeAt(webhook.id, Date.now() + 3_600_000)).toEqual([]);
	});
});
