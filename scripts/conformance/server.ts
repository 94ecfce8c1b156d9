import type { Receiver } from './receiver.ts';

/** The server under test, as a client sees it. */
export interface Server {
	/** The origin, optionally with a path before `/v1`. */
	baseUrl: string;
	apiKey: string;
	/** A key of the same user that lacks PRODUCTS:WRITE and PRODUCTS:DELETE. */
	limitedApiKey: string | undefined;
	/** Milliseconds to wait for each response. */
	timeout: number;
	/** Starts a receiver of messages on this machine. Undefined: there cannot be one. */
	receive?: () => Promise<Receiver>;
}

export interface Answer {
	/** The method and the path, for messages. It contains no credentials. */
	request: string;
	status: number;
	headers: Headers;
	text: string;
	/** The parsed body; undefined when it is not JSON. */
	json: unknown;
}

export interface Call {
	/** The path before `path`, if not that of sessions. */
	base?: string;
	/** The rest of the path after that of sessions: empty, `/sess_…` or `/sess_…/events`, and a query. */
	path?: string;
	/** Sent as JSON. */
	body?: unknown;
	/** Sent unchanged instead of `body`. */
	raw?: string;
	contentType?: string | null;
	/** The whole Authorization header; null for none. */
	authorization?: string | null;
	/** Further headers. */
	headers?: Record<string, string>;
}

export const SESSIONS = '/v1/products/generation/sessions';

/** Sends one request. Throws when the server cannot be reached or does not respond in time. */
export async function send(server: Server, method: string, call: Call = {}): Promise<Answer> {
	const { request, response } = await begin(server, method, call, AbortSignal.timeout(server.timeout));
	return answerOf(request, response);
}

/** Sends a request, and returns the response before its body. Without a signal, only the body may take longer than the timeout. */
export async function begin(
	server: Server,
	method: string,
	call: Call,
	signal?: AbortSignal,
): Promise<{ request: string; response: Response }> {
	const {
		base = SESSIONS,
		path = '',
		body,
		raw = body === undefined ? undefined : JSON.stringify(body),
	} = call;
	const { contentType = raw === undefined ? null : 'application/json' } = call;
	const { authorization = `Bearer ${server.apiKey}` } = call;
	const begun = new AbortController();
	const timer = setTimeout(
		() => begun.abort(new DOMException('no response', 'TimeoutError')),
		server.timeout,
	);
	try {
		const response = await fetch(server.baseUrl.replace(/\/+$/, '') + base + path, {
			method,
			headers: {
				...(contentType === null ? {} : { 'Content-Type': contentType }),
				...(authorization === null ? {} : { Authorization: authorization }),
				...call.headers,
			},
			// The body is bytes, because fetch adds a Content-Type to a string.
			...(raw === undefined ? {} : { body: new TextEncoder().encode(raw) }),
			redirect: 'manual',
			signal: signal ?? begun.signal,
		});
		return { request: `${method} ${base}${path}`, response };
	} finally {
		clearTimeout(timer);
	}
}

/** Reads the body of a response. */
export async function answerOf(request: string, response: Response): Promise<Answer> {
	const text = await response.text();
	return { request, status: response.status, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined; // The checks that expect JSON report it.
	}
}
