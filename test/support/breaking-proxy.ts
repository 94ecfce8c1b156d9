import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Json = Record<string, unknown>;

/** A request on its way to the service, and its answer on the way back. */
export interface Exchange {
	method: string;
	/** Without the query. */
	path: string;
	query: URLSearchParams;
	/** What was sent, if it was a JSON object. */
	sent: Json | undefined;
	status: number;
	headers: Headers;
	/** What came back, if it was a JSON object. */
	body: Json | undefined;
}

export interface Breakage {
	/** Changes the request; called before it is sent on. */
	request?: (request: { method: string; url: URL; headers: Headers; body: string }) => void;
	/** Changes the answer. */
	answer?: (exchange: Exchange) => void;
}

export interface BreakingProxy {
	url: string;
	close(): Promise<void>;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks).toString();
}

function objectOf(text: string): Json | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
	} catch {
		return undefined;
	}
}

/** Serves what `target` serves, but breaks one rule. */
export async function breakingProxy(
	target: string,
	{ request: change, answer }: Breakage,
): Promise<BreakingProxy> {
	const server: Server = createServer(async (incoming, outgoing) => {
		const headers = new Headers();
		for (const name of ['authorization', 'content-type', 'if-match']) {
			const value = incoming.headers[name];
			if (typeof value === 'string') headers.set(name, value);
		}
		const onward = {
			method: incoming.method ?? 'GET',
			url: new URL(incoming.url ?? '/', target),
			headers,
			body: await bodyOf(incoming),
		};
		change?.(onward);
		const response = await fetch(onward.url, {
			method: onward.method,
			headers,
			...(onward.body === '' ? {} : { body: new TextEncoder().encode(onward.body) }),
		});
		const text = await response.text();
		const exchange: Exchange = {
			method: onward.method,
			path: onward.url.pathname,
			query: onward.url.searchParams,
			sent: objectOf(onward.body),
			status: response.status,
			headers: new Headers(response.headers),
			body: objectOf(text),
		};
		answer?.(exchange);
		for (const name of ['content-length', 'content-encoding', 'transfer-encoding'])
			exchange.headers.delete(name);
		outgoing.writeHead(exchange.status, Object.fromEntries(exchange.headers));
		outgoing.end(exchange.body === undefined ? text : JSON.stringify(exchange.body));
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
