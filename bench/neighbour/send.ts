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
	/** Gets the response's text. */
	onText?: (text: string) => void;
}

/** Sends a request, and returns its status once the response is over. */
export async function send(
	{ url, key }: Sender,
	{ method, at = SESSIONS, path, body, headers, leavesAfter, onText }: Call,
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
		...(body ? { body } : {}),
	});
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
