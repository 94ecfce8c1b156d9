import { hash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { fetch } from 'undici';
import { expect, it } from 'vitest';
import {
	ApiError,
	type Client,
	createClient,
	etagOf,
	type Session,
	type Step,
	type WithResponse,
} from '../../src/client/client.ts';
import { newCuts } from '../support/cuts.ts';
import { withFolder } from '../support/server.ts';
import { type DevServer, freePort, prepareFolder, startDev } from '../support/wrangler-dev.ts';

/** How often the connection of each watcher is cut, and the most bytes that it brings before: a snapshot has half as many. */
const CUTS = { count: 3, maxBytes: 400_000 };

/** What stands for a session: all sessions that all watchers see would be gigabytes on some machines. */
const digestOf = (session: Session) => hash('sha256', JSON.stringify(session));

/** What a watcher saw. */
interface Seen {
	events: string[];
	/** The digest of the session at each of its items. */
	sessions: { etag: string; digest: string }[];
	last: Session;
}

interface Scale {
	watchers: number;
	writers: number;
	/** The least number of steps of all writers together. They go on until all watchers have been cut. */
	steps: number;
	restarts: number;
}

/**
 * Watches one session with clients whose connections are cut and then refused for their tokens. Meanwhile writers
 * merge into a large session, and the server is killed with its hubs and restarted.
 */
export const everyWatcherHoldsTheSession = (scale: Scale): void =>
	it(
		`keeps the session of ${scale.watchers} watchers as it is stored, over ${scale.steps} steps of ${scale.writers} writers, ${scale.restarts} restarts, broken connections and refused tokens`,
		{ timeout: 1_800_000 },
		() => withFolder((folder) => watch(folder, scale)),
	);

async function watch(folder: string, { watchers: count, writers, steps, restarts }: Scale): Promise<void> {
	const key = await prepareFolder(folder);
	const port = await freePort();
	const vars = { FOLLOW_HEARTBEAT_SECONDS: '2' };
	let server: DevServer = await startDev(folder, port, vars);
	const steady = createClient({ baseUrl: server.url, token: key, maxRetries: 100 });
	const created = await steady.create({ prd: { title: 'T', text: 'x'.repeat(200_000) } }).withResponse();
	const { id } = created.data;
	const own = await steady.createKey(id);
	/** The digest of what is stored at each ETag, as the responses to writers tell. */
	const stored = new Map([[created.etag ?? '', digestOf(created.data)]]);
	/** How many steps got their first response as a replay: the one that told of their change was lost. */
	let replays = 0;

	const watchers = Array.from({ length: count }, () => shakyClient(server.url, [key, own.key]));
	const areAllCut = () => watchers.every(({ cuts }) => cuts.made() === CUTS.count);
	let written = 0;
	let isOver = false;
	const write = async (writer: number) => {
		for (let n = 1; (written < steps || !areAllCut()) && !isOver; n += 1) {
			written += 1;
			// However long they write, the plan stays as small as it may be.
			const patch = {
				plan: { [`w${writer}`]: { n, [`k${n % 5}`]: n % 3 === 0 ? null : 'y'.repeat((n % 150) * 10) } },
			};
			const step = { events: [{ type: `w${writer}`, payload: { n } }], patch };
			const { data, etag = '', isReplay } = await stepUntilKnown(steady, id, step, `step-${writer}-${n}`);
			stored.set(etag, digestOf(data.session));
			if (isReplay) replays += 1;
			await setTimeout(20);
		}
	};
	const waiting = steady.waitFor(id, ['complete'], { timeoutMs: 2_000_000 });
	const watching = Promise.all(watchers.map(({ client }) => untilComplete(client, id, () => total)));
	let total = Number.NaN;
	try {
		const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
		const restarting = (async () => {
			for (let n = 1; n <= restarts; n += 1) {
				while (written < (steps * n) / (restarts + 1)) await setTimeout(20);
				await server.kill();
				server = await startDev(folder, port, vars);
			}
		})();
		// A watcher that fails fails the test at once: the writers would wait for its cuts.
		await Promise.race([Promise.all([writing, restarting]), watching]);
		const log: string[] = [];
		for await (const event of steady.events(id, { limit: 1000 })) log.push(event.id);
		expect(log.length).toBe(written);
		total = log.length;
		const last = await steady.update(id, { status: 'complete' });
		stored.set(etagOf(last) ?? '', digestOf(last));

		for (const seen of await watching) {
			expect(seen.events).toEqual(log);
			expect(seen.last).toEqual(last);
			const known = seen.sessions.filter(({ etag }) => stored.has(etag));
			expect(known.length).toBeGreaterThan(CUTS.count);
			const unknown = new Set(seen.sessions.map(({ etag }) => etag).filter((etag) => !stored.has(etag)));
			expect(unknown.size).toBeLessThanOrEqual(replays);
			for (const { etag, digest } of known) expect(digest, etag).toBe(stored.get(etag));
		}
		for (const { cuts, refused } of watchers) {
			expect(cuts.made()).toBe(CUTS.count);
			expect(refused()).toBe(CUTS.count);
		}
		expect(await waiting).toEqual(last);
	} finally {
		isOver = true;
		await server.kill();
	}
}

/** Makes a step once, with as many retries as it takes. */
async function stepUntilKnown(
	client: Client,
	id: string,
	step: Parameters<Client['step']>[1],
	idempotencyKey: string,
): Promise<WithResponse<Step>> {
	for (;;) {
		try {
			return await client.step(id, step, { idempotencyKey }).withResponse();
		} catch (error) {
			if (!(error instanceof ApiError && /^(OUTCOME_UNKNOWN|NETWORK_ERROR)$/.test(error.code))) throw error;
			await setTimeout(200);
		}
	}
}

/** A client whose first connections are cut. After each cut it comes with a token that the service does not know. */
function shakyClient(baseUrl: string, keys: readonly string[]) {
	const cuts = newCuts(CUTS);
	let tokens = 0;
	let refused = 0;
	const client = createClient({
		baseUrl,
		// It asks again when a token is refused, and tries again with another one only.
		token: () => keys[tokens++ % keys.length] ?? '',
		maxRetries: 100,
		async fetch(url, init) {
			const headers = new Headers(init.headers);
			if (refused < cuts.made()) headers.set('Authorization', 'Bearer rt_test_unknown');
			const response = await fetch(url, { ...init, headers: Object.fromEntries(headers) });
			if (response.status === 401) refused += 1;
			return cuts.response(response);
		},
	});
	return { client, cuts, refused: () => refused };
}

/** Watches until the session is complete and all events have arrived. */
async function untilComplete(client: Client, id: string, total: () => number): Promise<Seen> {
	const events: string[] = [];
	const sessions: Seen['sessions'] = [];
	for await (const item of client.watch(id)) {
		events.push(...item.events.map((event) => event.id));
		sessions.push({ etag: item.etag, digest: digestOf(item.session) });
		if (item.session.status === 'complete' && events.length === total())
			return { events, sessions, last: item.session };
	}
	throw new Error('The session has ended.');
}
