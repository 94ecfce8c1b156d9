import { describe, expect, it } from 'vitest';
import { requestsFor } from '../../src/auth/rate-limit.ts';
import { callerKey } from '../../src/core/principal.ts';
import { newCaller, SESSIONS } from '../support/api.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { caughtUp, followSession, liveService } from '../support/follow.ts';
import { legacyRequestOf, requestOf } from '../support/mcp.ts';
import { until } from '../support/until.ts';

/** A limiter that allows a number of requests for each key, and counts them. */
function limiterOf(limit: number) {
	const counts = new Map<string, number>();
	const limiter: RateLimit = {
		limit: async ({ key }) => {
			counts.set(key, (counts.get(key) ?? 0) + 1);
			return { success: (counts.get(key) ?? 0) <= limit };
		},
	};
	return { counts, limiter };
}

const MEGABYTE = 1_000_000;
const text = (bytes: number) => ({ text: 'x'.repeat(bytes) });

describe('a request counts as', () => {
	it.each([
		['one with up to ten trips and a megabyte', { trips: 10, bytes: MEGABYTE, messages: 0 }, 1],
		['one without a trip', { trips: 0, bytes: 0, messages: 0 }, 1],
		['another from the eleventh trip on', { trips: 11, bytes: 0, messages: 0 }, 2],
		['another from the 21st trip on', { trips: 21, bytes: 0, messages: 0 }, 3],
		['another for the second megabyte', { trips: 1, bytes: MEGABYTE + 1, messages: 0 }, 2],
		['one with up to a hundred messages to webhooks', { trips: 1, bytes: 0, messages: 100 }, 1],
		['another from the 101st message to a webhook on', { trips: 1, bytes: 0, messages: 101 }, 2],
		['200 for 160 MB in 401 trips', { trips: 401, bytes: 160 * MEGABYTE, messages: 0 }, 200],
	])('%s', (_, cost, requests) => {
		expect(requestsFor(cost)).toBe(requests);
	});
});

describe('the rate limit of a caller', () => {
	it('counts usual calls once', async () => {
		const { counts, limiter } = limiterOf(1000);
		const caller = await newCaller({ fetcher: serviceWith({ RATE_LIMITER: limiter }) });
		const { id } = await caller.create({ prd: text(100_000) });
		await caller.append(id);
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: text(300_000) } });
		await caller.call('POST', `${SESSIONS}/${id}/steps`, { body: { events: [{ type: 'note' }] } });
		await caller.details(id);
		await caller.call('GET', SESSIONS);
		expect(counts.get(callerKey(caller))).toBe(6);
	});

	it('counts another request for each further megabyte of a body', async () => {
		const { counts, limiter } = limiterOf(1000);
		const caller = await newCaller({ fetcher: serviceWith({ RATE_LIMITER: limiter }) });
		const { id } = await caller.create();
		const payload = text(60_000);
		const events = Array.from({ length: 30 }, () => ({ type: 'note', payload }));
		const count = () => counts.get(callerKey(caller)) ?? 0;
		const before = count();
		await caller.call('POST', `${SESSIONS}/${id}/steps`, { body: { events } });
		expect(count() - before).toBe(2);
		// Whatever is wrong with it.
		await caller.call('POST', `${SESSIONS}/${id}/steps`, {
			raw: `{"x":"${'x'.repeat(1_500_000)}`,
			headers: { 'Content-Type': 'application/json' },
		});
		expect(count() - before).toBe(4);
	});

	it('counts a body that nobody needs', async () => {
		const { counts, limiter } = limiterOf(1000);
		const caller = await newCaller({ fetcher: serviceWith({ RATE_LIMITER: limiter }) });
		const raw = 'x'.repeat(1_500_000);
		expect((await caller.call('PUT', SESSIONS, { raw })).status).toBe(405);
		expect((await caller.call('POST', `${SESSIONS}/none/nothing`, { raw })).status).toBe(404);
		expect(counts.get(callerKey(caller))).toBe(4);
	});

	it('counts another request for each further hundred messages to webhooks', async () => {
		const { counts, limiter } = limiterOf(1000);
		const caller = await newCaller({ fetcher: serviceWith({ RATE_LIMITER: limiter }) });
		const { id } = await caller.create();
		for (const name of ['a', 'b', 'c']) {
			const body = { url: `https://hooks.example.com/${name}`, events: ['event:*'] };
			expect((await caller.call('POST', '/v1/webhooks', { body })).status).toBe(201);
		}
		const before = counts.get(callerKey(caller)) ?? 0;
		const events = Array.from({ length: 100 }, () => ({ type: 'note' }));
		await caller.call('POST', `${SESSIONS}/${id}/steps`, { body: { events } });
		expect((counts.get(callerKey(caller)) ?? 0) - before).toBe(3);
	});

	it('counts the trips and megabytes of a large list when it has been read, and does not cut it', async () => {
		const { counts, limiter } = limiterOf(1000);
		const fetcher = liveService({ RATE_LIMITER: limiter });
		const caller = await newCaller({ fetcher });
		const full = { prd: text(390_000) };
		const objects = { plan: text(390_000), productObject: text(390_000), assemblyState: text(390_000) };
		for (let n = 0; n < 5; n += 1) {
			const { id } = await caller.create(full);
			await caller.call('PATCH', `${SESSIONS}/${id}`, { body: objects });
		}
		const before = counts.get(callerKey(caller)) ?? 0;
		const { json } = await caller.call<{ data: unknown[] }>('GET', SESSIONS);
		expect(json.data.length).toBe(5);
		// 21 trips and 7.8 MB: 1 + 2 + 7
		await until(() => expect((counts.get(callerKey(caller)) ?? 0) - before).toBe(10));
	});

	it('rejects the next request when the last one has used it up', async () => {
		const { limiter } = limiterOf(2);
		const caller = await newCaller({ fetcher: serviceWith({ RATE_LIMITER: limiter }) });
		const step = { events: Array.from({ length: 30 }, () => ({ type: 'a', payload: text(60_000) })) };
		const { status } = await caller.call('POST', `${SESSIONS}/sess_01k2vxq8f3e7ttyyds0t6w2h4b/steps`, {
			body: step,
		});
		expect(status).toBe(404);
		const next = await caller.call('GET', SESSIONS);
		expect([next.status, next.headers.get('Retry-After')]).toEqual([429, '60']);
	});

	it('stops counting at the limit', async () => {
		const { counts, limiter } = limiterOf(2);
		const fetcher = liveService({ RATE_LIMITER: limiter });
		const writer = await newCaller();
		for (let n = 0; n < 4; n += 1) {
			const { id } = await writer.create({ prd: text(390_000) });
			await writer.call('PATCH', `${SESSIONS}/${id}`, {
				body: { plan: text(390_000), assemblyState: text(390_000) },
			});
		}
		const caller = await newCaller({ userId: writer.userId, fetcher });
		await caller.call('GET', SESSIONS);
		await until(() => expect(counts.get(callerKey(caller))).toBe(3));
	});

	it.each([
		['the newest version', requestOf],
		['the version before', legacyRequestOf],
	])(
		'counts what a tool reads, also after its response has begun, in %s of the protocol',
		async (_, requestWith) => {
			const { counts, limiter } = limiterOf(1000);
			const caller = await newCaller({ fetcher: serviceWith({ RATE_LIMITER: limiter }) });
			const { id } = await caller.create({ prd: text(390_000) });
			const body = { plan: text(390_000), productObject: text(390_000), assemblyState: text(390_000) };
			await caller.call('PATCH', `${SESSIONS}/${id}`, { body });
			const before = counts.get(callerKey(caller)) ?? 0;
			const { headers, body: message } = requestWith('tools/call', {
				name: 'get_session',
				arguments: { sessionId: id, fields: ['prd', 'plan', 'productObject', 'assemblyState'] },
			});
			expect((await caller.call('POST', '/mcp', { headers, body: message })).status).toBe(200);
			await until(() => expect((counts.get(callerKey(caller)) ?? 0) - before).toBe(2));
		},
	);

	it('counts what a stream costs while it is open', async () => {
		const { counts, limiter } = limiterOf(1000);
		const fetcher = liveService({ RATE_LIMITER: limiter });
		const caller = await newCaller();
		const { id } = await caller.create();
		for (let n = 0; n < 2; n += 1) {
			const events = Array.from({ length: 30 }, () => ({ type: 'note', payload: text(60_000) }));
			await caller.call('POST', `${SESSIONS}/${id}/steps`, { body: { events } });
		}
		const stream = await caughtUp(await followSession(caller, id, { fetcher }));
		const reading = stream.rest();
		// The stream checks its key after three heartbeats of one second.
		await until(() => expect(counts.get(callerKey(caller))).toBeGreaterThanOrEqual(4));
		await stream.leave();
		await reading;
	});
});
