import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { databaseName } from '../../src/core/placement-setting.ts';
import { databaseNumberOf } from '../../src/core/session-id.ts';
import { type Server, startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const SESSIONS = '/v1/products/generation/sessions';
const EVENTS = 300;

let server: Server;
let key: string;
beforeAll(async () => {
	server = await startServer();
	key = await server.newKey();
});
afterAll(() => server.close());

const call = async (method: string, path: string, body?: unknown) => {
	const response = await fetch(server.url + SESSIONS + path, {
		method,
		headers: { Authorization: key, 'Content-Type': 'application/json' },
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});
	return { status: response.status, headers: response.headers, json: await response.json() };
};

/** A session with 20 MB of events. */
async function createLarge(): Promise<string> {
	const { id } = (await call('POST', '')).json as { id: string };
	const d1 = server.env[databaseName(databaseNumberOf(id))] ?? server.env.DB;
	await d1
		.prepare(
			`INSERT INTO events (session_id, position, id, type, payload, created_at)
		WITH RECURSIVE e (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM e WHERE n < ?2)
		SELECT ?1, n, printf('evt_%010d00000000000000000000', n), 'note', ?3, '2026-01-02T00:00:00.000Z' FROM e`,
		)
		.bind(id, EVENTS, JSON.stringify({ text: 'x'.repeat(65_000) }))
		.run();
	return id;
}

/** Reads a response over a new connection, and waits for `pause` after the first bytes. Returns how it ended. */
function read(path: string, pause: () => Promise<unknown>): Promise<{ text: string; isWhole: boolean }> {
	return new Promise((resolve, reject) => {
		const sent = request(server.url + SESSIONS + path, { headers: { Authorization: key }, agent: false });
		sent.once('error', reject);
		sent.once('response', async (response) => {
			let text = '';
			try {
				for await (const bytes of response) {
					if (text === '') await pause();
					text += bytes;
				}
				resolve({ text, isWhole: response.complete });
			} catch {
				resolve({ text, isWhole: false });
			}
		});
		sent.end();
	});
}

it('is sent in full to a client that reads slowly', async () => {
	const id = await createLarge();
	const { text, isWhole } = await read(`/${id}`, () => new Promise((resolve) => setTimeout(resolve, 500)));
	expect(isWhole).toBe(true);
	expect((JSON.parse(text) as { events: unknown[] }).events).toHaveLength(EVENTS);
});

it('ends with a broken connection, which the client sees as an error, when the session is deleted meanwhile', async () => {
	const id = await createLarge();
	const { text, isWhole } = await read(`/${id}`, async () => {
		expect((await call('DELETE', `/${id}`)).status).toBe(200);
	});
	expect(isWhole).toBe(false);
	expect(() => JSON.parse(text)).toThrow();
});

it('writes the line of the log, and so counts what was read, for a client that has left', async () => {
	const id = await createLarge();
	const sent = request(`${server.url}${SESSIONS}/${id}`, {
		headers: { Authorization: key, 'X-Request-Id': 'has.left' },
		agent: false,
	}).end();
	const response = await new Promise<IncomingMessage>((resolve) => sent.once('response', resolve));
	let received = 0;
	for await (const bytes of response) {
		received += bytes.length;
		if (received > 10_000_000) break;
	}
	sent.destroy();
	const lines = () => server.logs().filter((line) => line.includes('"has.left"'));
	await until(() => expect(lines()).toHaveLength(1));
	// The limit counts by the same figures, at the same time.
	const { d1Trips } = JSON.parse(lines()[0] ?? '') as { d1Trips: number };
	expect(d1Trips).toBeGreaterThan(5);
});

it('links to the next page at the origin that the client called', async () => {
	await call('POST', '');
	await call('POST', '');
	const { headers } = await call('GET', '?limit=1&fields=id');
	const next = /^<(.+)>; rel="next"$/.exec(headers.get('Link') ?? '')?.[1] ?? '';
	expect(next.startsWith(`${server.url + SESSIONS}?`)).toBe(true);
	const response = await fetch(next, { headers: { Authorization: key } });
	expect(response.status).toBe(200);
	expect(((await response.json()) as { data: unknown[] }).data).toHaveLength(1);
});
