import { exports } from 'cloudflare:workers';
import { type Breakage, throughBreakage } from '../support/broken-server/breakage.ts';

/** The Worker with a rule broken, as `fetch` sees it. Without a socket, all checks take a fraction of a second. */
export const brokenFetch = (breakage: Breakage) => async (input: RequestInfo | URL, init?: RequestInit) => {
	const request = new Request(input, init);
	const onward = {
		method: request.method,
		url: new URL(request.url),
		headers: new Headers(request.headers),
		// text() prints a warning for media types other than text, so decode the bytes.
		body: new TextDecoder().decode(await request.arrayBuffer()),
	};
	return throughBreakage(breakage, onward, (url, rest) => exports.default.fetch(new Request(url, rest)));
};
