/**
 * What a program does with the client over a bad network, in any runtime. It is bundled and run in Node, workerd, Chromium, Bun
 * and Deno. It throws when a promise of the client does not hold.
 */
import { ApiError, type Client, createClient } from '../../src/client/client.ts';

export interface Task {
	/** The service behind an unreliable network, and the service itself. */
	shaky: string;
	steady: string;
	token: string;
	/** A URL where nothing listens. */
	nowhere: string;
	appends: number;
}

export interface Report {
	/** The numbers of the appended events, as the service has them. */
	stored: number[];
	/** The same, as a follower over the unreliable network got them. */
	followed: number[];
	/** The same, as one who watched over the unreliable network got them. */
	watched: number[];
	/** The codes of writes whose outcome was unknown, and which were repeated with their key. */
	unknown: number;
	/** The code of a write where nothing listens. */
	nowhere: string;
	/** How many relays got something, and were left. */
	relays: number;
}

const RELAYS = 10;
const WRITERS = 8;

export async function run({ shaky, steady, token, nowhere, appends }: Task): Promise<Report> {
	const overNetwork = createClient({ baseUrl: shaky, token, timeoutMs: 800, maxRetries: 20 });
	const direct = createClient({ baseUrl: steady, token });
	const { id } = await direct.create();
	let unknown = 0;
	let next = 0;
	async function write(): Promise<void> {
		for (let number = next++; number < appends; number = next++) {
			const event = { type: 'note', payload: { number } };
			for (;;) {
				try {
					await overNetwork.append(id, event, { idempotencyKey: `append-${number}` });
					break;
				} catch (error) {
					if (!(error instanceof ApiError && error.code === 'OUTCOME_UNKNOWN')) throw error;
					unknown += 1;
				}
			}
		}
	}
	const following = numbersFrom(overNetwork, id, appends);
	const watching = watchedNumbers(overNetwork, id, appends);
	await Promise.all(Array.from({ length: WRITERS }, write));
	const stored: number[] = [];
	for await (const { payload } of direct.events(id, { limit: 1000 })) stored.push(Number(payload.number));
	const followed = await following;
	const watched = await watching;
	return {
		stored,
		followed,
		watched,
		unknown,
		nowhere: await codeOf(createClient({ baseUrl: nowhere, token, maxRetries: 1 }).update(id, {})),
		relays: await leaveRelays(direct, id),
	};
}

async function numbersFrom(client: Client, id: string, count: number): Promise<number[]> {
	const numbers: number[] = [];
	for await (const item of client.follow(id, { maxRetries: 100 })) {
		if (item.type === 'event') numbers.push(Number(item.event.payload.number));
		if (numbers.length === count) break;
	}
	return numbers;
}

async function watchedNumbers(client: Client, id: string, count: number): Promise<number[]> {
	const numbers: number[] = [];
	for await (const { session, events } of client.watch(id, { maxRetries: 100 })) {
		if (session.id !== id) throw new Error('It is another session.');
		for (const { payload } of events) numbers.push(Number(payload.number));
		if (numbers.length === count) break;
	}
	return numbers;
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
	call.then(
		() => 'succeeded',
		(error) => String((error as ApiError).code),
	);

/** A relay as people write it. Not every runtime has `ReadableStream.from`. */
function relayOf(client: Client, id: string): ReadableStream<unknown> {
	const { from } = ReadableStream as unknown as {
		from?: (items: AsyncIterable<unknown>) => ReadableStream<unknown>;
	};
	const following = client.follow(id);
	return from && Math.random() < 0.5 ? from.call(ReadableStream, following) : following.toReadableStream();
}

/** Relays a session, and leaves each relay while it waits for the next item. */
async function leaveRelays(client: Client, id: string): Promise<number> {
	const left = Array.from({ length: RELAYS }, async () => {
		const reader = relayOf(client, id).getReader();
		await reader.read();
		let isPending = true;
		// Everything that is stored arrives. The read after it waits.
		async function readOn(): Promise<void> {
			while (!(await reader.read()).done);
			isPending = false;
		}
		const reading = readOn();
		await new Promise((resolve) => setTimeout(resolve, 500));
		if (!isPending) throw new Error('The relay has ended by itself.');
		await reader.cancel();
		await reading;
		return 1;
	});
	return (await Promise.all(left)).length;
}
