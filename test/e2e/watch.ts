import { setTimeout } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { expect, it } from 'vitest';
import { ApiError, type Client, createClient, type Session, type Watched } from '../../src/client/client.ts';
import { withFolder } from '../support/server.ts';
import { type DevServer, freePort, prepareFolder, startDev } from '../support/wrangler-dev.ts';

interface Scale {
	watchers: number;
	writers: number;
	/** The number of steps of all writers together. */
	steps: number;
	restarts: number;
}

/**
 * Watches one session with clients whose connections break at random and whose tokens are refused at random. Meanwhile writers
 * merge into a large session, and the server is killed with its hubs and restarted.
 */
export const everyWatcherHoldsTheSession = (scale: Scale): void =>
	it(
		`keeps the session of ${scale.watchers} watchers as it is stored, over ${scale.steps} steps of ${scale.writers} writers, ${scale.restarts} restarts, broken connections and refused tokens`,
		{ timeout: 600_000 },
		() => withFolder((folder) => watch(folder, scale)),
	);

async function watch(folder: string, { watchers, writers, steps, restarts }: Scale): Promise<void> {
	const key = await prepareFolder(folder);
	const port = await freePort();
	const vars = { FOLLOW_HEARTBEAT_SECONDS: '2' };
	let server: DevServer = await startDev(folder, port, vars);
	const steady = createClient({ baseUrl: server.url, token: key, maxRetries: 100 });
	const { id } = await steady.create({ prd: { title: 'T', text: 'x'.repeat(200_000) } });
	/** What is stored at each ETag, as the responses to writers tell. */
	const stored = new Map<string, Session>();

	let written = 0;
	const write = async (writer: number) => {
		for (let n = 1; written < steps; n += 1) {
			written += 1;
			const patch = {
				plan: { [`w${writer}`]: { n, [`k${n % 5}`]: n % 3 === 0 ? null : 'y'.repeat(n * 10) } },
			};
			const step = { events: [{ type: `w${writer}`, payload: { n } }], patch };
			const { session, etag } = await stepUntilKnown(steady, id, step, `step-${writer}-${n}`);
			stored.set(etag, session);
			await setTimeout(20);
		}
	};
	const waiting = steady.waitFor(id, ['complete'], { timeoutMs: 500_000 });
	const watching = Array.from({ length: watchers }, (_, number) =>
		untilComplete(shakyClient(server.url, key, number), id, () => total),
	);
	let total = Number.NaN;
	try {
		const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
		for (let n = 1; n <= restarts; n += 1) {
			while (written < (steps * n) / (restarts + 1)) await setTimeout(20);
			await server.kill();
			server = await startDev(folder, port, vars);
		}
		await writing;
		const log: string[] = [];
		for await (const event of steady.events(id, { limit: 1000 })) log.push(event.id);
		expect(log.length).toBe(steps);
		total = log.length;
		const last = await steady.update(id, { status: 'complete' });

		for (const { items, connections } of await Promise.all(watching)) {
			expect(items.flatMap(({ events }) => events.map((event) => event.id))).toEqual(log);
			expect(items.at(-1)?.session).toEqual(last);
			expect(connections()).toBeGreaterThan(restarts + 1);
			const known = items.filter(({ etag }) => stored.has(etag));
			expect(known.length).toBeGreaterThan(items.length / 2);
			for (const { etag, session } of known) {
				expect(JSON.stringify(session)).toBe(JSON.stringify(stored.get(etag)));
			}
		}
		expect(await waiting).toEqual(last);
	} finally {
		await server.kill();
	}
}

/** Makes a step once, with as many retries as it takes. */
async function stepUntilKnown(
	client: Client,
	id: string,
	step: Parameters<Client['step']>[1],
	idempotencyKey: string,
): Promise<{ session: Session; etag: string }> {
	for (;;) {
		try {
			const { data, etag = '' } = await client.step(id, step, { idempotencyKey }).withResponse();
			return { session: data.session, etag };
		} catch (error) {
			if (!(error instanceof ApiError && /^(OUTCOME_UNKNOWN|NETWORK_ERROR)$/.test(error.code))) throw error;
			await setTimeout(200);
		}
	}
}

/** A client whose connections break at random, and whose token is sometimes one that the service does not know. */
function shakyClient(
	baseUrl: string,
	key: string,
	number: number,
): { client: Client; connections(): number } {
	let connections = 0;
	let tokens = number;
	const client = createClient({
		baseUrl,
		token: () => (tokens++ % 4 === 3 ? 'rt_test_unknown' : key),
		maxRetries: 100,
		fetch(url, { signal, ...init }) {
			connections += 1;
			const agent = new Agent();
			setTimeout(200 + Math.random() * 3000).then(() => agent.destroy());
			return fetch(url, { ...init, signal, dispatcher: agent });
		},
	});
	return { client, connections: () => connections };
}

/** Watches until the session is complete and all events have arrived. */
async function untilComplete(
	{ client, connections }: ReturnType<typeof shakyClient>,
	id: string,
	total: () => number,
): Promise<{ items: Watched[]; connections(): number }> {
	const items: Watched[] = [];
	let events = 0;
	for await (const item of client.watch(id)) {
		items.push(item);
		events += item.events.length;
		if (item.session.status === 'complete' && events === total()) break;
	}
	return { items, connections };
}
