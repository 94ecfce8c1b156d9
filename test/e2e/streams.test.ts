import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Server, startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const SESSIONS = '/v1/products/generation/sessions';

let server: Server;
let key: string;
beforeAll(async () => {
	server = await startServer({ FOLLOW_HEARTBEAT_SECONDS: '1' });
	key = await server.newKey();
});
afterAll(() => server.close());

async function post(path: string, body: object): Promise<{ id: string }> {
	const response = await fetch(server.url + SESSIONS + path, {
		method: 'POST',
		headers: { Authorization: key, 'Content-Type': 'application/json' },
		body: JSON.stringify(body),
	});
	return (await response.json()) as { id: string };
}

/** Follows over a new socket. `text` is everything received so far. */
function follow(id: string, requestId: string): { socket: Socket; text: () => string } {
	const { hostname, port } = new URL(server.url);
	const socket = connect(Number(port), hostname);
	let text = '';
	socket.setEncoding('utf8').on('data', (data) => {
		text += data;
	});
	socket.on('error', () => {});
	socket.write(
		`GET ${SESSIONS}/${id}/events HTTP/1.1\r\nHost: x\r\nAuthorization: ${key}\r\nAccept: text/event-stream\r\nX-Request-Id: ${requestId}\r\n\r\n`,
	);
	return { socket, text: () => text };
}

const linesOf = (requestId: string) =>
	server
		.logs()
		.filter((line) => line.startsWith('{') && line.includes(requestId))
		.map((line) => JSON.parse(line) as Record<string, unknown>);

it('writes one log line when a stream opens and one when it ends, and none for its events', async () => {
	const { id } = await post('', {});
	const { socket, text } = follow(id, 'the.stream');
	await until(() => expect(text()).toContain('event: session'));
	for (let n = 0; n < 5; n += 1) await post(`/${id}/events`, { type: 'note' });
	await until(() => expect(text().match(/event: event/g)).toHaveLength(5));
	// The client disconnects without closing the stream.
	socket.destroy();
	await until(() => expect(linesOf('the.stream')).toHaveLength(2));
	const [opened, ended] = linesOf('the.stream');
	expect(opened).toMatchObject({ message: 'request', status: 200 });
	expect(ended).toMatchObject({
		message: 'stream ended',
		reason: 'gone',
		events: 5,
		d1Trips: expect.any(Number),
	});
	expect(ended?.durationMs).toEqual(expect.any(Number));
});

it('sends everything to a client that pauses, and does not delay the others', async () => {
	const { id } = await post('', {});
	const slow = follow(id, 'slow');
	const quick = follow(id, 'quick');
	await until(() => expect(slow.text() + quick.text()).toMatch(/(event: session.*){2}/s));
	slow.socket.pause();
	const events: string[] = [];
	for (let n = 0; n < 150; n += 1) {
		const event = await post(`/${id}/events`, { type: 'note', payload: { text: 'x'.repeat(60_000) } });
		events.push(event.id);
	}
	const ids = (text: string) => Array.from(text.matchAll(/^id: (\S+)$/gm), ([, each]) => each);
	await until(() => expect(ids(quick.text())).toEqual(events));
	await setTimeout(1500);
	slow.socket.resume();
	await until(() => expect(ids(slow.text())).toEqual(events));
	slow.socket.destroy();
	quick.socket.destroy();
});
