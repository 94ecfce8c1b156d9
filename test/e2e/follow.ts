import { connect } from 'node:net';
import { ReadableStream } from 'node:stream/web';
import { setTimeout } from 'node:timers/promises';
import { EventSource } from 'eventsource';
import { fetch } from 'undici';
import { expect, it } from 'vitest';
import { withFolder } from '../support/server.ts';
import { type DevServer, freePort, prepareFolder, startDev } from '../support/wrangler-dev.ts';

const SESSIONS = '/v1/products/generation/sessions';

interface Scale {
	followers: number;
	writers: number;
	/** The number of events of all writers together. */
	events: number;
	restarts: number;
}

/** How often the connection of each follower is cut, and the most bytes that it brings before. */
const CUTS = { count: 2, maxBytes: 30_000 };

/**
 * Follows one session with third-party clients whose connections are cut, mostly within an event. Meanwhile writers
 * append, and the server is killed with its hubs and restarted. Each follower must see every event once and in order.
 */
export const everyFollowerSeesTheLog = (scale: Scale): void =>
	it(
		`shows ${scale.followers} followers all ${scale.events} events of ${scale.writers} writers, once each and in order, over ${scale.restarts} restarts and broken connections`,
		{
			timeout: 600_000,
		},
		() => withFolder((folder) => follow(folder, scale)),
	);

async function follow(folder: string, { followers, writers, events, restarts }: Scale): Promise<void> {
	const key = await prepareFolder(folder);
	const port = await freePort();
	const vars = { FOLLOW_HEARTBEAT_SECONDS: '2', MAX_STREAMS_PER_CALLER: '1000' };
	let server: DevServer = await startDev(folder, port, vars);
	const base = `${server.url}${SESSIONS}`;
	const headers = { Authorization: key, 'Content-Type': 'application/json' };
	const { id } = (await (await fetch(base, { method: 'POST', headers })).json()) as { id: string };
	const url = `${base}/${id}/events`;

	const clients = Array.from({ length: followers }, () => newFollower(url, key));
	const slow = newSlowReader(port, `${SESSIONS}/${id}/events`, key);
	try {
		let appended = 0;
		const write = async (writer: number) => {
			for (let n = 1; appended < events; n += 1) {
				appended += 1;
				await append(url, headers, {
					type: `w${writer}`,
					payload: { n, text: 'x'.repeat(n % 7 === 0 ? 20_000 : 20) },
				});
			}
		};
		const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
		for (let n = 1; n <= restarts; n += 1) {
			while (appended < (events * n) / (restarts + 1)) await setTimeout(20);
			await server.kill();
			server = await startDev(folder, port, vars);
		}
		await writing;
		const log = await wholeLog(url, headers);
		expect(log.length).toBe(events);
		const deadline = Date.now() + 120_000;
		while (clients.some(({ ids }) => ids.length < events) && Date.now() < deadline) await setTimeout(100);
		for (const { ids } of clients) expect(ids).toEqual(log);
		for (const { cuts } of clients) expect(cuts()).toBe(CUTS.count);
		expect(await slow.ids(events)).toEqual(log);
	} finally {
		for (const { close } of clients) close();
		slow.close();
		await server.kill();
	}
}

/** Appends an event once, with as many retries as it takes. */
async function append(url: string, headers: Record<string, string>, event: object): Promise<void> {
	const idempotencyKey = crypto.randomUUID();
	for (let tries = 1; ; tries += 1) {
		try {
			const response = await fetch(url, {
				method: 'POST',
				headers: { ...headers, 'Idempotency-Key': idempotencyKey },
				body: JSON.stringify(event),
			});
			if (response.status === 201) return;
			throw new Error(`${response.status}: ${await response.text()}`);
		} catch (error) {
			if (tries === 100) throw error;
			await setTimeout(200);
		}
	}
}

async function wholeLog(url: string, headers: Record<string, string>): Promise<string[]> {
	const ids: string[] = [];
	for (let hasMore = true; hasMore; ) {
		const after = ids.length === 0 ? '' : `&after=${ids.at(-1)}`;
		const page = (await (await fetch(`${url}?limit=100${after}`, { headers })).json()) as {
			data: { id: string }[];
			hasMore: boolean;
		};
		ids.push(...page.data.map((event) => event.id));
		hasMore = page.hasMore;
	}
	return ids;
}

/** An EventSource whose first connections are cut. It resumes by itself with Last-Event-ID. */
function newFollower(url: string, key: string) {
	const ids: string[] = [];
	let cuts = 0;

	// The cut is in the body, at a byte: whatever the machine does, no follower gets the whole log without it.
	async function* untilCut(body: AsyncIterable<Uint8Array>, maxBytes: number) {
		let left = 1 + Math.floor(Math.random() * maxBytes);
		for await (const bytes of body) {
			yield bytes.subarray(0, left);
			left -= bytes.length;
			if (left <= 0) {
				cuts += 1;
				throw new Error('The connection is cut.');
			}
		}
	}

	const source = new EventSource(url, {
		async fetch(address, { headers, signal }) {
			const response = await fetch(String(address), {
				headers: { ...headers, Authorization: key },
				...(signal ? { signal: signal as AbortSignal } : {}),
			});
			const { status, redirected, body } = response;
			const isCut = body !== null && cuts < CUTS.count;
			return {
				url: response.url,
				status,
				redirected,
				headers: response.headers,
				body: isCut ? ReadableStream.from(untilCut(body, CUTS.maxBytes)) : body,
			};
		},
	});
	source.addEventListener('event', ({ lastEventId, data }) => {
		if ((JSON.parse(data) as { id: string }).id !== lastEventId) throw new Error(`${lastEventId}: ${data}`);
		ids.push(lastEventId);
	});
	return { ids, cuts: () => cuts, close: () => source.close() };
}

/** A socket that pauses between reads. It resumes as a browser does. */
function newSlowReader(port: number, path: string, key: string) {
	const seen: string[] = [];
	let isClosed = false;
	let socket = open();

	function open() {
		const opened = connect(port, '127.0.0.1');
		let text = '';
		opened.on('error', () => {});
		opened.on('close', () => {
			if (!isClosed)
				setTimeout(500).then(() => {
					if (!isClosed) socket = open();
				});
		});
		opened.on('data', (bytes: Buffer) => {
			text += bytes.toString('latin1');
			for (const [, id] of text.matchAll(/^id: (\S+)\n/gm)) if (id && !seen.includes(id)) seen.push(id);
			text = text.slice(text.lastIndexOf('\n') + 1);
			opened.pause();
			setTimeout(30).then(() => opened.resume());
		});
		const cursor = seen.at(-1);
		opened.write(
			`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${key}\r\nAccept: text/event-stream\r\n${
				cursor ? `Last-Event-ID: ${cursor}\r\n` : ''
			}\r\n`,
		);
		return opened;
	}

	return {
		async ids(count: number) {
			const deadline = Date.now() + 120_000;
			while (seen.length < count && Date.now() < deadline) await setTimeout(100);
			return seen;
		},
		close() {
			isClosed = true;
			socket.destroy();
		},
	};
}
