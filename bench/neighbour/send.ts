import { Agent } from 'undici';

const SESSIONS = '/v1/products/generation/sessions';

const agent = new Agent({ connections: null });

/** Where a caller sends its requests. */
export interface Sender {
	url: string;
	key: string;
}

export interface Call {
	method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
	path: string;
	body?: string;
	headers?: Record<string, string>;
	/** The client leaves after this many bytes of the response. */
	leavesAfter?: number;
}

/** Sends a request, and returns its status once the response is over. */
export async function send(
	{ url, key }: Sender,
	{ method, path, body, headers, leavesAfter }: Call,
): Promise<number> {
	const response = await agent.request({
		origin: url,
		path: SESSIONS + path,
		method,
		headers: {
			Authorization: `Bearer ${key}`,
			...(body ? { 'Content-Type': 'application/json' } : {}),
			...headers,
		},
		...(body ? { body } : {}),
	});
	let bytes = 0;
	for await (const chunk of response.body) {
		bytes += (chunk as Uint8Array).length;
		if (leavesAfter !== undefined && bytes >= leavesAfter) break;
	}
	return response.statusCode;
}
