export type Json = Record<string, unknown>;

/** A request on its way to the service. */
export interface Onward {
	method: string;
	url: URL;
	headers: Headers;
	body: string;
}

/** A request as it was sent on, and its answer on the way back. */
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

/** A rule of the service that is broken for those who call it. */
export interface Breakage {
	/** Changes the request; called before it is sent on. */
	request?: (request: Onward) => void;
	/** Changes the answer. */
	answer?: (exchange: Exchange) => void;
}

function objectOf(text: string): Json | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
	} catch {
		return undefined;
	}
}

/** Sends a request on, and returns its answer; both changed by the breakage. */
export async function throughBreakage(
	{ request: change, answer }: Breakage,
	onward: Onward,
	sendOn: (url: URL, init: RequestInit) => Promise<Response>,
): Promise<{ status: number; headers: Headers; text: string }> {
	change?.(onward);
	const { method, url, headers, body } = onward;
	const response = await sendOn(url, {
		method,
		headers,
		// As bytes: for a string, fetch would choose a Content-Type of its own.
		...(body === '' ? {} : { body: new TextEncoder().encode(body) }),
	});
	const text = await response.text();
	const exchange: Exchange = {
		method,
		path: url.pathname,
		query: url.searchParams,
		sent: objectOf(body),
		status: response.status,
		headers: new Headers(response.headers),
		body: objectOf(text),
	};
	answer?.(exchange);
	return {
		status: exchange.status,
		headers: exchange.headers,
		text: exchange.body === undefined ? text : JSON.stringify(exchange.body),
	};
}
