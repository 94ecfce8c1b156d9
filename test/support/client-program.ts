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
/** A browser has at most six connections to a host, and one of them appends. */
const AT_ONCE = 5;
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
		relays: await leaveRelays(direct, id, appends),
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
function relayOf(client: Client, id: string, number: number): ReadableStream<unknown> {
	const { from } = ReadableStream as unknown as {
		from?: (items: AsyncIterable<unknown>) => ReadableStream<unknown>;
	};
	const following = client.follow(id);
	return from && number % 2 === 0 ? from.call(ReadableStream, following) : following.toReadableStream();
}

/** A relay of a session, and how many events have arrived over it. An item is an object, or a line of JSON. */
function readRelay(relay: ReadableStream<unknown>) {
	const reader = relay.getReader();
	let events = 0;
	let hasEnded = false;
	async function readOn(): Promise<void> {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) break;
			const text = value instanceof Uint8Array ? new TextDecoder().decode(value) : JSON.stringify(value);
			if (text.startsWith('{"type":"event"')) events += 1;
		}
		hasEnded = true;
	}
	const reading = readOn();
	async function until(count: number): Promise<void> {
		while (events < count) {
			if (hasEnded) throw new Error('The relay has ended by itself.');
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
	}
	async function leave(): Promise<void> {
		await reader.cancel();
		await reading;
	}
	return { until, leave };
}

/** Relays a session, and leaves each relay when everything has arrived and it waits for the next item. */
async function leaveRelays(client: Client, id: string, stored: number): Promise<number> {
	let left = 0;
	for (let count = stored; left < RELAYS; count += 1) {
		const relays = Array.from({ length: AT_ONCE }, (_, number) => readRelay(relayOf(client, id, number)));
		for (const { until } of relays) await until(count);
		await client.append(id, { type: 'note' });
		for (const { until } of relays) await until(count + 1);
		await Promise.all(relays.map(({ leave }) => leave()));
		left += relays.length;
	}
	return left;
}
