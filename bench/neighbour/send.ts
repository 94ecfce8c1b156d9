import { Readable } from 'node:stream';
import { Agent } from 'undici';

const SESSIONS = '/v1/products/generation/sessions';

const agent = new Agent({ connections: null });

/** Where a caller sends its requests. */
export interface Sender {
	url: string;
	key: string;
}

export interface Call {
	method: 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PATCH' | 'DELETE';
	/** Where `path` begins. By default at the sessions. */
	at?: string;
	path: string;
	body?: string;
	headers?: Record<string, string>;
	/** The client leaves after this many bytes of the response. */
	leavesAfter?: number;
	/** The body is sent in chunks of so many bytes. */
	chunkBytes?: number;
	/** Gets the response's status when it begins. */
	onBegin?: (status: number) => void;
	/** Gets the response's text. */
	onText?: (text: string) => void;
}

/** Sends a request, and returns its status once the response is over. */
export async function send(
	{ url, key }: Sender,
	{ method, at = SESSIONS, path, body, chunkBytes, headers, leavesAfter, onBegin, onText }: Call,
): Promise<number> {
	const response = await agent.request({
		origin: url,
		path: at + path,
		method,
		headers: {
			Authorization: `Bearer ${key}`,
			...(body ? { 'Content-Type': 'application/json' } : {}),
			...headers,
		},
		...(body ? { body: chunkBytes ? Readable.from(chunksOf(body, chunkBytes)) : body } : {}),
	});
	onBegin?.(response.statusCode);
	if (onText) {
		onText(await response.body.text());
		return response.statusCode;
	}
	let bytes = 0;
	for await (const chunk of response.body) {
		bytes += (chunk as Uint8Array).length;
		if (leavesAfter !== undefined && bytes >= leavesAfter) break;
	}
	return response.statusCode;
}

function* chunksOf(text: string, bytes: number): Generator<Buffer> {
	for (let at = 0; at < text.length; at += bytes) yield Buffer.from(text.slice(at, at + bytes));
}

/** Sends a request, and returns its status once the response begins. The response goes on until its end. */
export function hold(to: Sender, call: Call): Promise<number> {
	const { promise, resolve, reject } = Promise.withResolvers<number>();
	send(to, { ...call, onBegin: resolve }).catch(reject);
	return promise;
}

/** Sends the nth request of an attack, and returns its status. */
export type Attack = (sender: Sender, n: number) => Promise<number>;
