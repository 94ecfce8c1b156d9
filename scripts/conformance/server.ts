/** The server under test, as a client sees it. */
export interface Server {
	/** The origin, or an origin with a path before `/v1`. */
	baseUrl: string;
	apiKey: string;
	/** A key of the same user that lacks PRODUCTS:WRITE and PRODUCTS:DELETE. */
	limitedApiKey: string | undefined;
	/** Milliseconds that an answer may take. */
	timeout: number;
}

export interface Answer {
	/** The request, to name it in a message; without credentials. */
	request: string;
	status: number;
	headers: Headers;
	text: string;
	/** The parsed body; undefined when it is no JSON. */
	json: unknown;
}

export interface Call {
	/** Under the path of sessions: empty, `/sess_…` or `/sess_…/events`, with a query. */
	path?: string;
	/** Sent as JSON. */
	body?: unknown;
	/** Sent as it is. */
	raw?: string;
	contentType?: string | null;
	/** The whole Authorization header; null for none. */
	authorization?: string | null;
}

export const SESSIONS = '/v1/products/generation/sessions';

/** Sends one request. Throws when the server cannot be reached or takes too long. */
export async function send(server: Server, method: string, call: Call = {}): Promise<Answer> {
	const { path = '', body, raw = body === undefined ? undefined : JSON.stringify(body) } = call;
	const { contentType = raw === undefined ? null : 'application/json' } = call;
	const { authorization = `Bearer ${server.apiKey}` } = call;
	const request = `${method} ${SESSIONS}${path}`;
	const response = await fetch(server.baseUrl.replace(/\/+$/, '') + SESSIONS + path, {
		method,
		headers: {
			...(contentType === null ? {} : { 'Content-Type': contentType }),
			...(authorization === null ? {} : { Authorization: authorization }),
		},
		// As bytes: for a string, fetch would choose a Content-Type of its own.
		...(raw === undefined ? {} : { body: new TextEncoder().encode(raw) }),
		redirect: 'manual',
		signal: AbortSignal.timeout(server.timeout),
	});
	const text = await response.text();
	return { request, status: response.status, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined; // Whoever wants JSON finds that there is none.
	}
}
