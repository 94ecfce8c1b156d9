import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { startReceiver } from '../support/http-receiver.ts';
import { withFolder } from '../support/server.ts';
import { serve } from './webhooks-after-kills.ts';

const REDIRECTS = [301, 302, 303, 307, 308];

it('no redirect is followed, and an endpoint that is not there is one that failed', () =>
	withFolder(async (folder) => {
		const { start, call } = await serve(folder);
		const target = await startReceiver();
		const redirecting = await startReceiver(({ path }, response) => {
			response.writeHead(Number(path.slice(1)), { Location: target.url }).end();
		});
		const server = await start();
		try {
			const errorOf = async (url: string) => {
				const events = ['event:*'];
				const { id } = await call<{ id: string }>(server.url, 'POST', '/v1/webhooks', { url, events });
				const { error } = await call<{ error: string }>(server.url, 'POST', `/v1/webhooks/${id}/test`);
				await call(server.url, 'DELETE', `/v1/webhooks/${id}`);
				return error;
			};
			for (const status of REDIRECTS)
				expect([status, await errorOf(`${redirecting.url}/${status}`)]).toEqual([status, 'REDIRECT']);
			expect(await errorOf('http://127.0.0.1:9/')).toBe('CONNECTION');
			expect([redirecting.arrived.length, target.arrived.length]).toEqual([REDIRECTS.length, 0]);
		} finally {
			await server.kill();
			await redirecting.close();
			await target.close();
		}
	}));

/** What a receiver writes to its socket, and how the try ends: with a status of success, or with an error. */
const ANSWERS: Record<string, { write: string; end?: 'close' | 'reset' | 'endless'; delivered: boolean }> = {
	'before-the-body': { write: 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n', end: 'close', delivered: true },
	'after-hints': {
		write: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
		delivered: true,
	},
	'of-http-1.0': { write: 'HTTP/1.0 200 OK\r\n\r\nthanks', end: 'close', delivered: true },
	'cut-off-in-its-body': {
		write: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab',
		end: 'close',
		delivered: true,
	},
	'longer-than-it-says': { write: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcdef', delivered: true },
	'not-in-its-coding': {
		write: 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab',
		delivered: true,
	},
	endless: { write: 'HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n', end: 'endless', delivered: true },
	'endless-and-failed': {
		write: 'HTTP/1.1 500 Error\r\nContent-Length: 999999999\r\n\r\n',
		end: 'endless',
		delivered: false,
	},
	'of-another-protocol': {
		write: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
		delivered: false,
	},
	'of-no-known-status': { write: 'HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n', delivered: false },
	'of-an-impossible-status': { write: 'HTTP/1.1 099 ?\r\nContent-Length: 0\r\n\r\n', delivered: false },
	'that-is-not-http': { write: '220 mail.example.com ESMTP\r\n', end: 'close', delivered: false },
	'with-two-lengths': {
		write: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nabcd',
		delivered: false,
	},
	'cut-off-in-its-headers': { write: 'HTTP/1.1 200 OK\r\nConte', end: 'reset', delivered: false },
	none: { write: '', end: 'reset', delivered: false },
};

/** Answers by the path of the request, and goes on with an endless body until its peer has enough. Counts what it wrote of it. */
function rawReceiver() {
	let endlessBytes = 0;
	const server = createServer((socket) => {
		socket.on('error', () => undefined);
		// A connection has several requests, and what does not begin one is a body.
		socket.on('data', (data) => {
			const answer = ANSWERS[/^POST \/(\S+)/.exec(String(data))?.[1] ?? ''];
			if (!answer) return;
			const { write, end } = answer;
			socket.write(write);
			if (end === 'close') socket.end();
			if (end === 'reset') setImmediate(() => socket.resetAndDestroy());
			const part = Buffer.alloc(65_536, 'x');
			const goOn = () => {
				while (!socket.destroyed && socket.write(part)) endlessBytes += part.length;
			};
			if (end === 'endless') goOn();
			if (end === 'endless') socket.on('drain', goOn);
		});
	});
	return { server, endlessBytes: () => endlessBytes };
}

it('an answer counts by its status, whatever comes after it, and nothing of its body is waited for', () =>
	withFolder(async (folder) => {
		const { start, call } = await serve(folder);
		const { server: receiver, endlessBytes } = rawReceiver();
		await once(receiver.listen(0, '127.0.0.1'), 'listening');
		const { port } = receiver.address() as AddressInfo;
		const server = await start();
		try {
			for (const [path, { delivered }] of Object.entries(ANSWERS)) {
				const body = { url: `http://127.0.0.1:${port}/${path}`, events: ['event:*'] };
				const { id } = await call<{ id: string }>(server.url, 'POST', '/v1/webhooks', body);
				const tested = await call<{ delivered: boolean }>(server.url, 'POST', `/v1/webhooks/${id}/test`);
				await call(server.url, 'DELETE', `/v1/webhooks/${id}`);
				expect([path, tested.delivered]).toEqual([path, delivered]);
			}
			// Two such answers end when the buffers of their connections are full.
			expect(endlessBytes()).toBeLessThan(100_000_000);
		} finally {
			await server.kill();
			receiver.close();
		}
	}));
