import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The faults of one request. */
export const FAULTS = [
	/** The connection breaks before the service gets the request. */
	'request lost',
	/** The service handles the request, and the connection breaks before the response. */
	'response lost',
	/** The connection breaks in the middle of the response. */
	'response cut',
	'503 before the service',
	/** The service handles the request, and a gateway returns 503 instead of the response. */
	'503 after the service',
	'429',
	'delay',
	/** The response arrives one byte at a time. */
	'split',
	/** The request and its response never arrive. */
	'black hole',
	/** A gateway answers in place of the service, before or after the service handles the request. */
	'other before the service',
	'other after the service',
] as const;
type Fault = (typeof FAULTS)[number];

/** The streams of a session, which are cut: of its events, and of its state with them. */
export const STREAM_CUTS = ['events cut', 'state cut'] as const;
type StreamCut = (typeof STREAM_CUTS)[number];

export interface BadNetwork {
	url: string;
	/** How often each fault happened, and how often streams of each kind were cut. */
	counts: Map<Fault | StreamCut, number>;
	/** How many streams are open between the proxy and the service. */
	openStreams(): number;
	/** Why requests could not be passed on, apart from the faults. */
	failures: unknown[];
	close(): Promise<void>;
}

interface BadNetworkOptions {
	/** The share of requests with a fault, from 0 to 1. Each fault happens once among as many requests as have eleven at this rate. */
	faultRate: number;
	/** How many streams of each kind are cut, each after a random number of bytes. Later streams are not cut. */
	streamCuts: number;
}

const MAX_DELAY_MS = 20;
const MAX_BYTES_BEFORE_CUT = 1500;

/** Starts a proxy for `target` that simulates an unreliable network. */
export async function badNetwork(
	target: string,
	{ faultRate, streamCuts }: BadNetworkOptions,
): Promise<BadNetwork> {
	const counts: BadNetwork['counts'] = new Map();
	const failures: unknown[] = [];
	const count = (what: Fault | StreamCut) => counts.set(what, (counts.get(what) ?? 0) + 1);
	const nextFault = faultsInTurn(faultRate);
	const nextOther = inTurn(OTHERS);
	const cutsLeft = new Map(STREAM_CUTS.map((kind) => [kind, streamCuts]));

	async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
		const body = await bodyOf(incoming);
		const wantsStream = incoming.headers.accept === 'text/event-stream';
		const fault = wantsStream ? undefined : nextFault();
		if (fault) count(fault);
		if (fault === 'request lost') return void outgoing.destroy();
		if (fault === '429') return refuse(outgoing, 429, 'RATE_LIMITED');
		if (fault === '503 before the service') return refuse(outgoing, 503, 'DATABASE_UNAVAILABLE');
		if (fault === 'other before the service') return other(outgoing, nextOther());
		if (fault === 'black hole') return;
		if (fault === 'delay') await new Promise((resolve) => setTimeout(resolve, Math.random() * MAX_DELAY_MS));

		const leaving = new AbortController();
		outgoing.on('close', () => leaving.abort());
		const response = await fetch(new URL(incoming.url ?? '/', target), {
			method: incoming.method ?? 'GET',
			headers: headersOf(incoming),
			signal: leaving.signal,
			...(body.length === 0 ? {} : { body }),
		});
		if (response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
			const kind = incoming.url?.includes('state=true') ? 'state cut' : 'events cut';
			return passStream(response, outgoing, kind);
		}
		const bytes = Buffer.from(await response.arrayBuffer());
		if (fault === 'response lost') return void outgoing.destroy();
		if (fault === '503 after the service') return refuse(outgoing, 503, 'DATABASE_UNAVAILABLE');
		if (fault === 'other after the service') return other(outgoing, nextOther());
		outgoing.writeHead(response.status, { ...passedOn(response), 'Content-Length': bytes.length });
		if (fault === 'split') {
			for (const byte of bytes) await new Promise((resolve) => outgoing.write(Uint8Array.of(byte), resolve));
			return void outgoing.end();
		}
		if (fault !== 'response cut') return void outgoing.end(bytes);
		outgoing.write(bytes.subarray(0, bytes.length / 2), () => outgoing.destroy());
	}

	let open = 0;
	async function passStream(response: Response, outgoing: ServerResponse, kind: StreamCut): Promise<void> {
		open += 1;
		try {
			await pass(response, outgoing, kind);
		} finally {
			open -= 1;
		}
	}

	async function pass(response: Response, outgoing: ServerResponse, kind: StreamCut): Promise<void> {
		outgoing.writeHead(response.status, passedOn(response));
		const isCut = (cutsLeft.get(kind) ?? 0) > 0;
		let left = isCut ? Math.ceil(Math.random() * MAX_BYTES_BEFORE_CUT) : Number.POSITIVE_INFINITY;
		for await (const chunk of response.body ?? []) {
			// Shorten the delay that the stream asks for, to keep the test fast.
			const bytes = Buffer.from(
				Buffer.from(chunk).toString('latin1').replace('retry: 2000', 'retry: 20'),
				'latin1',
			);
			const part = bytes.subarray(0, Math.min(left, bytes.length));
			left -= part.length;
			await new Promise((resolve) => outgoing.write(part, resolve));
			if (left > 0) continue;
			cutsLeft.set(kind, (cutsLeft.get(kind) ?? 0) - 1);
			count(kind);
			return void outgoing.destroy();
		}
		outgoing.end();
	}

	const server = createServer((incoming, outgoing) => {
		handle(incoming, outgoing).catch((error) => {
			// The client is gone when its connection has closed.
			if (!outgoing.closed) failures.push(error);
			outgoing.destroy();
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		counts,
		openStreams: () => open,
		failures,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}

/** Draws from cards in a random order, and shuffles them again when all are drawn. */
function inTurn<T>(cards: readonly T[]): () => T {
	let left: T[] = [];
	return () => {
		if (left.length === 0) left = [...cards];
		const [drawn] = left.splice(Math.floor(Math.random() * left.length), 1);
		return drawn as T;
	};
}

/** Draws a fault for each request, or none. However few requests there are, no fault is left out by chance for long. */
function faultsInTurn(faultRate: number): () => Fault | undefined {
	if (faultRate === 0) return () => undefined;
	const without = Math.round(FAULTS.length / faultRate) - FAULTS.length;
	return inTurn([...FAULTS, ...Array<undefined>(without).fill(undefined)]);
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	return new Uint8Array(Buffer.concat(chunks));
}

function headersOf({ headers }: IncomingMessage): Headers {
	const names = [
		'accept',
		'access-control-request-headers',
		'access-control-request-method',
		'authorization',
		'content-type',
		'idempotency-key',
		'if-match',
		'origin',
		'x-request-id',
	];
	return new Headers(names.flatMap((name) => (headers[name] ? [[name, String(headers[name])]] : [])));
}

const PASSED_ON = /^(access-control-.*|content-type|etag|link|vary|x-request-id)$/;
const passedOn = ({ headers }: Response): Record<string, string> =>
	Object.fromEntries([...headers].filter(([name]) => PASSED_ON.test(name)));

type Other = readonly [status: number, mediaType: string, body: string];

/** What gateways answer in place of a service. */
const OTHERS: readonly Other[] = [
	[200, 'text/html', '<h1>Sign in</h1>'],
	[400, 'text/html', '<h1>Bad request</h1>'],
	[404, 'text/html', '<h1>Not found</h1>'],
	[404, 'application/json', '{"message":"no Route matched"}'],
	[405, 'text/plain', ''],
	[408, 'text/plain', 'Timeout'],
	[429, 'text/html', '<h1>Slow down</h1>'],
	[500, 'text/html', '<h1>Error</h1>'],
	[204, 'text/plain', ''],
	[301, 'text/html', ''],
	[302, 'text/html', ''],
	[307, 'text/html', ''],
];

function other(outgoing: ServerResponse, [status, type, body]: Other): void {
	const location = status > 300 && status < 400 ? { Location: '/v1/products/generation/sessions' } : {};
	outgoing.writeHead(status, { 'Content-Type': type, ...location });
	outgoing.end(body);
}

function refuse(outgoing: ServerResponse, status: number, code: string): void {
	outgoing.writeHead(status, { 'Content-Type': 'application/json', 'Retry-After': '0' });
	outgoing.end(JSON.stringify({ error: 'The proxy refuses.', code, requestId: 'proxy' }));
}
