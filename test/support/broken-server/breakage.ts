import { changedFrames, type FrameChange } from './frames.ts';

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
	/** The response body if it is a JSON object. The response keeps its text while this is the same object. */
	body: Json | undefined;
}

/** Breaks a rule of the service for its clients. */
export interface Breakage {
	/** Changes the request before the service gets it. */
	request?: (request: Onward) => void;
	/** Changes the response. */
	answer?: (exchange: Exchange) => void;
	/** Changes the frames of streams. It is called for each stream. */
	stream?: () => FrameChange;
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
	{ request: change, answer, stream }: Breakage,
	onward: Onward,
	sendOn: (url: URL, init: RequestInit) => Promise<Response>,
): Promise<Response> {
	change?.(onward);
	const { method, url, headers, body } = onward;
	const response = await sendOn(url, {
		method,
		headers,
		// The body is bytes, because fetch would add a Content-Type to a string.
		...(body === '' ? {} : { body: new TextEncoder().encode(body) }),
	});
	if (response.body && response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
		// A new response, because the headers of one that was fetched cannot be changed.
		return new Response(stream ? changedFrames(response.body, stream()) : response.body, response);
	}
	const text = await response.text();
	const received = objectOf(text);
	const exchange: Exchange = {
		method,
		path: url.pathname,
		query: url.searchParams,
		sent: objectOf(body),
		status: response.status,
		headers: new Headers(response.headers),
		body: received,
	};
	answer?.(exchange);
	const { status } = exchange;
	const sent = exchange.body === received ? text : JSON.stringify(exchange.body);
	return new Response([204, 304].includes(status) ? null : sent, { status, headers: exchange.headers });
}
