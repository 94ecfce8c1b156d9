import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Breakage, throughBreakage } from './breakage.ts';

/** The headers of a request that the service gets. */
const FORWARDED = [
	'accept',
	'authorization',
	'content-type',
	'idempotency-key',
	'if-match',
	'if-none-match',
	'last-event-id',
];

export interface BreakingProxy {
	url: string;
	close(): Promise<void>;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks).toString();
}

/** Starts a proxy for `target` that breaks one rule. */
export async function breakingProxy(target: string, breakage: Breakage): Promise<BreakingProxy> {
	const server: Server = createServer(async (incoming, outgoing) => {
		const headers = new Headers();
		for (const name of FORWARDED) {
			const value = incoming.headers[name];
			if (typeof value === 'string') headers.set(name, value);
		}
		const onward = {
			method: incoming.method ?? 'GET',
			url: new URL(incoming.url ?? '/', target),
			headers,
			body: await bodyOf(incoming),
		};
		const answer = await throughBreakage(breakage, onward, fetch);
		for (const name of ['content-length', 'content-encoding', 'transfer-encoding'])
			answer.headers.delete(name);
		outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
		const reader = answer.body?.getReader();
		outgoing.on('close', () => reader?.cancel().catch(() => {}));
		for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
			outgoing.write(part.value);
		outgoing.end();
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}
