import type { Fetch } from '../../src/client/client.ts';

/** A request as the client sent it. */
export interface Sent {
	method: string;
	url: URL;
	headers: Headers;
	/** Its JSON body. */
	body: unknown;
	signal: AbortSignal;
}

/** The reply to one request. 'cut' breaks the connection before a response arrives. */
export type Reply = 'cut' | Response | ((sent: Sent) => Response | Promise<Response>);

/** A `fetch` that returns these replies in order and records the requests. It throws when no reply is left. */
export function scriptedFetch(...replies: Reply[]): { fetch: Fetch; sent: Sent[] } {
	const sent: Sent[] = [];
	const left = [...replies];
	return {
		sent,
		async fetch(url, { method = 'GET', headers, body, signal }) {
			const request = {
				method,
				url: new URL(url),
				headers: new Headers(headers),
				body: typeof body === 'string' ? JSON.parse(body) : undefined,
				signal: signal ?? new AbortController().signal,
			};
			sent.push(request);
			const reply = left.shift();
			if (reply === undefined) throw new Error(`No reply is left for ${method} ${url}.`);
			if (reply === 'cut') throw new TypeError('fetch failed');
			return typeof reply === 'function' ? reply(request) : reply;
		},
	};
}

export const json = (value: unknown, init: ResponseInit = {}): Response => Response.json(value, init);

/** An error response of the service. */
export const refusal = (status: number, code: string, headers: Record<string, string> = {}): Response =>
	json({ error: 'A sentence.', code, requestId: 'request-1' }, { status, headers });

/** A response that never arrives. It fails when the client aborts. */
export const silence: Reply = ({ signal }) =>
	new Promise((_, reject) => {
		signal.addEventListener('abort', () => reject(signal.reason));
	});
