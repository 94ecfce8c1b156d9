import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { EventSource } from 'eventsource';
import { fetch } from 'undici';
import { expect, it } from 'vitest';
import { newCuts } from '../support/cuts.ts';
import { withFolder } from '../support/server.ts';
import { until } from '../support/until.ts';
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
			timeout: 1_800_000,
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
		for (const { ids } of clients) await until(() => expect(ids).toEqual(log));
		for (const { cuts } of clients) expect(cuts.made()).toBe(CUTS.count);
		await until(() => expect(slow.ids).toEqual(log));
	} finally {
		for (const { close } of clients) close();
		slow.close();
		await server.kill();
	}
}

/** Appends an event once, with as many retries as it takes until the server is back. */
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
			if (tries >= 100) expect(`${response.status}: ${await response.text()}`).toBe('201');
		} catch (error) {
			if (!(error instanceof TypeError)) throw error;
		}
		await setTimeout(200);
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
	const cuts = newCuts(CUTS);
	const source = new EventSource(url, {
		async fetch(address, { headers, signal }) {
			const response = await fetch(String(address), {
				headers: { ...headers, Authorization: key },
				...(signal ? { signal: signal as AbortSignal } : {}),
			});
			// A page opens another EventSource after an outage. This one is to connect again.
			if (response.status === 503) throw new TypeError('There is an outage.');
			return cuts.response(response);
		},
	});
	source.addEventListener('event', ({ lastEventId, data }) => {
		if ((JSON.parse(data) as { id: string }).id !== lastEventId) throw new Error(`${lastEventId}: ${data}`);
		ids.push(lastEventId);
	});
	return { ids, cuts, close: () => source.close() };
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
		ids: seen,
		close() {
			isClosed = true;
			socket.destroy();
		},
	};
}
