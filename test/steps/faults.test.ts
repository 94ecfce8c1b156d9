import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { query } from '../support/database.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

const LOST = 'D1_ERROR: Network connection lost.';

let caller: Caller;
/** The outcomes of the next round trips: a fault, or undefined for success. */
let next: ('before' | 'after' | undefined)[];
/** Runs after a round trip whose response is lost. */
let meanwhile: () => Promise<unknown>;

beforeEach(async () => {
	[next, meanwhile] = [[], async () => {}];
	const d1 = wrappedD1(env.DB, async (_, work) => {
		const fault = next.shift();
		const results = fault === 'before' ? [] : await work();
		if (fault === undefined) return results;
		await meanwhile();
		throw new Error(LOST);
	});
	caller = await newCaller({ fetcher: serviceWith({ DB: d1 }) });
	await caller.call('GET', SESSIONS); // This caches the key.
});

const events = [{ type: 'a' }, { type: 'b' }];
const send = (id: string, patch: unknown, headers: Record<string, string>) =>
	caller.call('POST', `${SESSIONS}/${id}/steps`, { body: { events, patch }, headers });
const key = { 'Idempotency-Key': 'k' };
const bodies = [
	['with a patch', { plan: { mine: 1 } }],
	['without a patch', undefined],
] as const;

describe.each(bodies)('a step %s', (_, patch) => {
	const stored = async (id: string) => {
		const { headers, json } = await caller.call('GET', `${SESSIONS}/${id}`);
		return [headers.get('ETag'), (json.events as unknown[]).length, json.plan];
	};
	const once = [patch ? '"2.2"' : '"1.2"', 2, patch?.plan ?? null];

	it.each(['before', 'after'] as const)(
		'and an Idempotency-Key takes effect once when the connection is lost %s the write',
		async (when) => {
			const { id } = await caller.create();
			next = [when, when];
			const { status, headers } = await send(id, patch, key);
			expect([status, headers.get('Idempotency-Replayed')]).toEqual([201, null]);
			expect(await stored(id)).toEqual(once);
		},
	);

	it.each(['before', 'after'] as const)(
		'and no Idempotency-Key returns 503 and is stored in full or not at all when the connection is lost %s the write',
		async (when) => {
			const { id } = await caller.create();
			next = [when];
			expect((await send(id, patch, {})).status).toBe(503);
			expect(await stored(id)).toEqual(when === 'after' ? once : ['"1"', 0, null]);
		},
	);

	it('and an Idempotency-Key can be sent again after a 503', async () => {
		const { id } = await caller.create();
		next = ['after', 'after', 'after'];
		expect((await send(id, patch, key)).status).toBe(503);
		const { status, headers } = await send(id, patch, { ...key, 'If-Match': '"1"' });
		expect([status, headers.get('Idempotency-Replayed')]).toEqual([201, 'true']);
		expect(await stored(id)).toEqual(once);
	});
});

describe('a step that the service retries after a lost response', () => {
	it.each([
		['merges', { plan: { mine: 1 }, status: 'generating' }],
		['clears', { plan: null }],
		['sets the product object', { productObject: { mine: 1 }, plan: null }],
	])('keeps the changes that others made meanwhile, where it %s', async (_, patch) => {
		const { id } = await caller.create();
		// The product object is read in a separate round trip.
		next = 'productObject' in patch ? [undefined, 'after'] : ['after'];
		meanwhile = () =>
			query(
				`UPDATE sessions SET plan = '{"theirs":1}', status = 'failed', version = version + 1 WHERE id = ?`,
				id,
			);
		const { status, json } = await send(id, patch, key);
		expect([status, json.session]).toMatchObject([201, { plan: { theirs: 1 }, status: 'failed' }]);
		const { headers, json: details } = await caller.call('GET', `${SESSIONS}/${id}`);
		expect([headers.get('ETag'), details.plan]).toEqual(['"3.2"', { theirs: 1 }]);
	});
});
