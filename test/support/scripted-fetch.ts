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
		async fetch(url, { method, headers, body, signal }) {
			const request = {
				method,
				url: new URL(url),
				headers: new Headers(headers),
				body: body === null ? undefined : JSON.parse(body),
				signal,
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

/** The response of the service to a request that succeeds, with what is given in the session that it returns. */
export const succeeding =
	(given: object = {}, headers: Record<string, string> = {}): Reply =>
	({ method, url, body }) => {
		const [id = 'sess_new', part] = url.pathname.split('/sessions/')[1]?.split('/') ?? [];
		const event = (fields: object, at: number) => ({ id: `evt_${at + 1}`, sessionId: id, ...fields });
		const session = { id, status: 'intake', events: [], ...given };
		const init = { status: method === 'POST' ? 201 : 200, headers };
		if (method === 'DELETE') return json({ success: true }, init);
		if (part === 'steps') {
			return json({ events: (body as { events: object[] }).events.map(event), session }, init);
		}
		if (part === 'events') {
			return json(method === 'POST' ? event(body as object, 0) : { data: [], hasMore: false }, init);
		}
		if (part === 'keys') return json({ expiresAt: '', id: 'key_1', key: 'rt_test_2' }, init);
		if (method === 'GET' && url.pathname.endsWith('/sessions')) {
			return json({ data: [], pagination: { limit: 20, offset: 0, total: 0 } }, init);
		}
		return json(session, init);
	};
