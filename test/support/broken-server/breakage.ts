export type Json = Record<string, unknown>;

/** A request on its way to the service. */
export interface Onward {
	method: string;
	url: URL;
	headers: Headers;
	body: string;
}

/** A request as the service gets it, and its response before the client gets it. */
export interface Exchange {
	method: string;
	/** The path without the query. */
	path: string;
	query: URLSearchParams;
	/** The request body if it is a JSON object. */
	sent: Json | undefined;
	status: number;
	headers: Headers;
	/** The response body if it is a JSON object. */
	body: Json | undefined;
}

/** Breaks a rule of the service for its clients. */
export interface Breakage {
	/** Changes the request before the service gets it. */
	request?: (request: Onward) => void;
	/** Changes the response. */
	answer?: (exchange: Exchange) => void;
}

/** The JSON object in a text; undefined for any other text. */
export function objectOf(text: string): Json | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
	} catch {
		return undefined;
	}
}

/** Forwards a request and returns its response, both changed by the breakage. */
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
		// The body is bytes, because fetch would add a Content-Type to a string.
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
