import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { merge } from '../../scripts/conformance/merge.ts';
import { type Json, readObject, writeJson } from '../../scripts/conformance/ordered-json.ts';
import { productObjectHash } from '../../src/sessions/product-object-hash.ts';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { wrappedD1 } from '../support/wrapped-d1.ts';

const WRITERS = 8;
const STEPS = 12;
const OBJECTS = ['assemblyState', 'plan', 'prd', 'productObject'] as const;

/** Makes some of the round trips fail, half of them before and half of them after D1 ran the statements. */
function unreliableD1(share: number, random: () => number): D1Database {
	return wrappedD1(env.DB, async (_, work) => {
		const roll = random();
		if (roll < share / 2) throw new Error('D1_ERROR: Network connection lost.');
		const results = await work();
		if (roll < share) throw new Error('D1_ERROR: Network connection lost.');
		return results;
	});
}

/** Lehmer's generator: any pseudorandom numbers are good enough here. */
function randomFrom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state * 48_271) % 2_147_483_647;
		return state / 2_147_483_647;
	};
}

interface Sent {
	patch: Record<string, unknown> | undefined;
	count: number;
	/** Whether a step took effect. A 503 without a key leaves that unknown. A 429 comes on a machine that is too slow for the writers. */
	outcome: 'done' | 'refused' | 'unknown';
}

/** Sends one step of a writer. With a key it retries while D1 fails. */
async function sendStep(caller: Caller, id: string, name: string, roll: () => number): Promise<Sent> {
	const count = 1 + Math.floor(roll() * 4);
	const [writer = ''] = name.split('-');
	const patches = [
		undefined,
		{ plan: { last: name } },
		{ plan: { [writer]: name, last: null }, status: 'generating' },
		{ productObject: { [writer]: { [name]: 1 }, last: name } },
		{ prd: null },
		{ prd: { [name]: null, [writer]: [name] }, assemblyState: { [writer]: name } },
		// Too large to merge in D1.
		{ assemblyState: Object.fromEntries(Array.from({ length: 1500 }, (_, n) => [`${writer}_${n}`, null])) },
	];
	const patch = patches[Math.floor(roll() * patches.length)];
	const isKeyed = roll() < 0.6;
	const headers: Record<string, string> = isKeyed ? { 'Idempotency-Key': name } : {};
	if (roll() < 0.3) {
		const read = await caller.call('GET', `${SESSIONS}/${id}`);
		if (read.status === 200) headers['If-Match'] = read.headers.get('ETag') ?? '';
	}
	const events = Array.from({ length: count }, (_, at) => ({ type: 'part', payload: { step: name, at } }));
	const send = () => caller.call('POST', `${SESSIONS}/${id}/steps`, { body: { events, patch }, headers });
	let answer = await send();
	while ([429, 503].includes(answer.status) && isKeyed) answer = await send();
	// A client that lost the response sends the step again although it took effect.
	if (isKeyed && answer.status === 201 && roll() < 0.3) {
		const again = await send();
		if (again.status === 201) expect(again.json.events).toEqual(answer.json.events);
	}
	expect([201, 412, 429, 503]).toContain(answer.status);
	const outcome = ({ 201: 'done', 412: 'refused', 429: 'refused' } as const)[answer.status] ?? 'unknown';
	return { patch, count, outcome };
}

it.each([
	['a reliable database', 0],
	['a database that fails a quarter of the round trips', 0.25],
])(
	'steps of 8 concurrent writers leave a log and a state that agree on one order, with %s',
	async (_, share) => {
		const seed = 20_260_115;
		const owner = await newCaller();
		const { id } = await owner.create();
		const sent = new Map<string, Sent>();
		await Promise.all(
			Array.from({ length: WRITERS }, async (_, writer) => {
				const random = randomFrom(seed + writer);
				const caller = await newCaller({
					userId: owner.userId,
					fetcher: serviceWith({ DB: unreliableD1(share, randomFrom(2 * seed + writer)) }),
				});
				for (let n = 0; n < STEPS; n += 1) {
					const name = `w${writer}-${n}`;
					sent.set(name, await sendStep(caller, id, name, random));
				}
			}),
		);

		const details = await owner.call('GET', `${SESSIONS}/${id}`);
		const events = details.json.events as { id: string; payload: { step: string; at: number } }[];
		expect(events.map((event) => Number(event.id.slice(4, 14)))).toEqual(events.map((_, at) => at + 1));

		// The log consists of whole steps, each once, in the order in which they took effect.
		const done = events.filter(({ payload }) => payload.at === 0).map(({ payload }) => payload.step);
		const whole = done.flatMap((step) =>
			Array.from({ length: sent.get(step)?.count ?? 0 }, (_, at) => ({ step, at })),
		);
		expect(events.map(({ payload }) => payload)).toEqual(whole);
		expect(new Set(done).size).toBe(done.length);
		for (const [name, { outcome }] of sent) {
			if (outcome !== 'unknown') expect([name, done.includes(name)]).toEqual([name, outcome === 'done']);
		}

		// The state is the result of their patches in that order.
		const state: Record<string, Json> = {};
		let version = 1;
		for (const name of done) {
			const { patch } = sent.get(name) ?? {};
			if (patch === undefined) continue;
			version += 1;
			const json = readObject(JSON.stringify(patch));
			for (const field of OBJECTS) {
				const value = json.get(field);
				if (value !== undefined) state[field] = merge(state[field] ?? null, value);
			}
		}
		for (const field of OBJECTS) {
			expect(writeJson(readObject(details.text).get(field) ?? null)).toBe(writeJson(state[field] ?? null));
		}
		expect(details.headers.get('ETag')).toBe(`"${version}.${events.length}"`);
		const product = state.productObject;
		expect(details.json.productObjectHash).toBe(product ? await productObjectHash(writeJson(product)) : null);
		expect(done.length).toBeGreaterThan(WRITERS * STEPS * 0.4);
	},
);
