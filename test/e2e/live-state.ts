import { hash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { fetch } from 'undici';
import { expect, it } from 'vitest';
import { anyObject } from '../model/arbitraries.ts';
import { type Cuts, newCuts } from '../support/cuts.ts';
import { type HeldState, heldState } from '../support/held-state.ts';
import { withFolder } from '../support/server.ts';
import { streamOf } from '../support/stream.ts';
import { type DevServer, freePort, prepareFolder, startDev } from '../support/wrangler-dev.ts';

const SESSIONS = '/v1/products/generation/sessions';
const FIELDS = ['plan', 'prd', 'assemblyState', 'productObject'];

/** How often the connection of each reader is cut, and the most bytes that it brings before. */
const CUTS = { count: 3, maxBytes: 20_000 };

interface Scale {
	writers: number;
	readers: number;
	/** The least number of writes of each writer. They go on until all readers have been cut. */
	writes: number;
	restarts: number;
}

/** What stands for a text: all texts of all readers would be gigabytes. */
const digestOf = (text: string) => hash('sha256', text);

/** Writers change one session at random, while readers hold it and are cut, and the server is killed and restarted. */
export const everyReaderHoldsTheSession = (scale: Scale): void =>
	it(
		`gives ${scale.readers} readers the stored session at each ETag, while ${scale.writers} writers change it, over ${scale.restarts} restarts and broken connections`,
		{ timeout: 1_800_000 },
		() => withFolder((folder) => hold(folder, scale)),
	);

async function hold(folder: string, { writers, readers, writes, restarts }: Scale): Promise<void> {
	const key = await prepareFolder(folder);
	const port = await freePort();
	const vars = { FOLLOW_HEARTBEAT_SECONDS: '2', MAX_STREAMS_PER_CALLER: '1000' };
	let server: DevServer = await startDev(folder, port, vars);
	const base = `${server.url}${SESSIONS}`;
	const json = { Authorization: key, 'Content-Type': 'application/json' };
	const merge = { Authorization: key, 'Content-Type': 'application/merge-patch+json' };
	const created = await fetch(base, { method: 'POST', headers: json });
	const first = await created.text();
	const url = `${base}/${(JSON.parse(first) as { id: string }).id}`;
	/** What a writer was told that the session is: the digest of its text, by ETag. */
	const told = new Map([[created.headers.get('ETag') ?? '', digestOf(first)]]);
	/** How many responses did not arrive. Each can have told of a change that nobody knows. */
	let lost = 0;
	const objects = fc.sample(anyObject, { numRuns: 64, seed: 7 }).map(({ text }) => text);
	const cuts = Array.from({ length: readers }, () => newCuts(CUTS));
	const areAllCut = () => cuts.every(({ made }) => made() === CUTS.count);
	let done = 0;
	let isOver = false;

	async function send(
		path: string,
		method: string,
		headers: Record<string, string>,
		body: string,
	): Promise<string> {
		for (let tries = 0; ; tries += 1) {
			try {
				const response = await fetch(url + path, {
					method,
					headers,
					body,
					signal: AbortSignal.timeout(10_000),
				});
				const text = await response.text();
				if (!response.ok) throw new Error(`${response.status}: ${text}`);
				const etag = response.headers.get('ETag') ?? '';
				const session = path === '' ? text : text.slice(text.indexOf(',"session":') + 11, -1);
				told.set(etag, digestOf(session));
				return etag;
			} catch (error) {
				const isNetwork = error instanceof TypeError || (error as Error).name === 'TimeoutError';
				if (isOver || (tries >= 100 && !isNetwork)) throw error;
				const { code } = ((error as Error).cause ?? {}) as { code?: string };
				if (code !== 'ECONNREFUSED') lost += 1;
				await setTimeout(200);
			}
		}
	}

	async function write(writer: number): Promise<void> {
		for (let n = 0; (n < writes || !areAllCut()) && !isOver; n += 1) {
			const object = objects[(writer * 31 + n) % objects.length] ?? '{}';
			const field = FIELDS[(writer + n) % 4];
			const way = (writer * 7 + n * 3) % 7;
			if (way === 0) await send('', 'PATCH', json, `{"${field}":${object}}`);
			else if (way === 1) await send('', 'PATCH', merge, `{"${field}":null,"status":"generating"}`);
			else if (way === 2) await send('', 'PATCH', json, `{"ttlSeconds":${3600 + n}}`);
			else if (way === 3)
				await send('/steps', 'POST', json, `{"events":[{"type":"a"}],"patch":{"${field}":${object}}}`);
			else if (way === 4 && n % 5 === 0)
				await send('', 'PATCH', merge, `{"plan":{"large":"${'x'.repeat(200_000)}"}}`);
			else await send('', 'PATCH', merge, `{"${field}":${object}}`);
			done += 1;
		}
	}

	const seen: [etag: string, digest: string][] = [];

	async function connection(earlier: HeldState | undefined, { response: cut }: Cuts): Promise<HeldState> {
		const after = earlier?.events.at(-1);
		const response = await fetch(`${url}/events?state=true`, {
			headers: {
				Authorization: key,
				Accept: 'text/event-stream',
				...(after ? { 'Last-Event-ID': after } : {}),
			},
		});
		if (response.status === 503) throw new TypeError('terminated by an outage');
		if (!response.ok) throw new Error(String(response.status));
		return heldState(streamOf(cut(response)), earlier);
	}

	async function read(own: Cuts): Promise<string | undefined> {
		let held: HeldState | undefined;
		for (;;) {
			try {
				held = await connection(held, own);
				while (held.status() !== 'complete' && (await held.next()) !== undefined) {
					const etag = held.etag();
					if (etag !== undefined) seen.push([etag, digestOf(held.text())]);
				}
				// The last write. It may reach a reader before its writer knows of it.
				if (held.status() === 'complete') {
					await held.leave();
					expect(new Set(held.events).size).toBe(held.events.length);
					return held.etag();
				}
			} catch (error) {
				// A cut connection or a server that is down. Anything else is a wrong frame.
				const isNetwork = /terminated|fetch failed|destroyed|aborted|closed/i.test(String(error));
				if (!isNetwork) throw error;
			}
			await setTimeout(50);
		}
	}

	try {
		const reading = Promise.all(cuts.map(read));
		const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
		const restarting = (async () => {
			for (let n = 1; n <= restarts; n += 1) {
				while (done < (writers * writes * n) / (restarts + 1)) await setTimeout(20);
				await server.kill();
				server = await startDev(folder, port, vars);
			}
		})();
		// A reader that fails fails the test at once: the writers would wait for its cuts.
		await Promise.race([Promise.all([writing, restarting]), reading]);
		const last = await send('', 'PATCH', merge, '{"status":"complete"}');
		for (const etag of await reading) expect(etag).toBe(last);
		const known = seen.filter(([etag]) => told.has(etag));
		for (const [etag, digest] of known) expect(digest, etag).toBe(told.get(etag));
		expect(known.length).toBeGreaterThan(readers);
		const unknown = new Set(seen.map(([etag]) => etag).filter((etag) => !told.has(etag)));
		expect(unknown.size).toBeLessThanOrEqual(lost);
		for (const { made } of cuts) expect(made()).toBe(CUTS.count);
	} finally {
		isOver = true;
		await server.kill();
	}
}
