import { expect } from 'vitest';
import { ApiError, type Client, createClient } from '../../../src/client/client.ts';
import type { Server } from '../server.ts';
import { badNetwork, FAULTS } from './proxy.ts';

const FAULT_RATE = 0.3;
/** Enough that it is very unlikely for all retries of a write to fail. */
const MAX_RETRIES = 20;
/** Some requests never get a response. */
const TIMEOUT_MS = 1_000;
const WRITERS = 16;

interface Parties {
	/** Calls the service over an unreliable network. */
	shaky: Client;
	/** Calls the service directly. */
	steady: Client;
	/** The faults that happened. */
	faults(): string[];
}

async function withParties(server: Server, act: (parties: Parties) => Promise<void>) {
	const proxy = await badNetwork(server.url, { faultRate: FAULT_RATE, streamCuts: 0 });
	const token = await server.newKey();
	try {
		await act({
			shaky: createClient({ baseUrl: proxy.url, token, maxRetries: MAX_RETRIES, timeoutMs: TIMEOUT_MS }),
			steady: createClient({ baseUrl: server.url, token }),
			faults: () => [...proxy.counts.keys()],
		});
	} finally {
		await proxy.close();
	}
}

/** Calls `write` with each number below `count`, several at a time. */
async function writeAll(count: number, write: (number: number) => Promise<unknown>): Promise<void> {
	let next = 0;
	async function writer() {
		while (next < count) {
			const number = next;
			next += 1;
			await write(number);
		}
	}
	await Promise.all(Array.from({ length: WRITERS }, writer));
}

const numbersOf = async (client: Client, id: string): Promise<number[]> => {
	const numbers: number[] = [];
	for await (const { payload } of client.events(id, { limit: 1000 })) numbers.push(Number(payload.number));
	return numbers.sort((a, b) => a - b);
};
const upTo = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

/** Appends as a program does that repeats a write whose outcome is unknown, with its key. */
async function appendUntilKnown(client: Client, id: string, number: number): Promise<void> {
	for (;;) {
		try {
			await client.append(id, { type: 'note', payload: { number } }, { idempotencyKey: `append-${number}` });
			return;
		} catch (error) {
			if (!(error instanceof ApiError && error.code === 'OUTCOME_UNKNOWN')) throw error;
		}
	}
}

/** Expects that each of `count` appends over an unreliable network takes effect once. */
export const expectAppendsOnce = (server: Server, count: number) =>
	withParties(server, async ({ shaky, steady, faults }) => {
		const { id } = await steady.create();
		await writeAll(count, (number) => appendUntilKnown(shaky, id, number));
		expect(await numbersOf(steady, id)).toEqual(upTo(count));
		expect(faults().toSorted()).toEqual(FAULTS.toSorted());
		expect((await steady.list()).pagination.total).toBe(1);
	});
