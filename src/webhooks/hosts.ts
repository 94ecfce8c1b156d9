import { pause } from '../core/pause.ts';

/** Requests that an isolate has under way at once to one host. */
const AT_ONCE = 8;
/** When a request is over at the latest, also when its invocation was ended before it could say so. */
const LONGEST_MS = 20_000;

/** When each request to a host is over at the latest, in epoch milliseconds. */
const underWay = new Map<string, Set<{ endsAt: number }>>();

/** How long a request waits for its turn, and how often it looks: it must not wait for another one, which may be cancelled. */
const PATIENCE_MS = 5000;
const LOOKS_EVERY_MS = 20;

/**
 * Waits until a request to a host may begin, and returns the function that ends it. Undefined: the host has had as many as it
 * may have for some seconds.
 */
export async function beginRequest(url: string): Promise<(() => void) | undefined> {
	const lastChance = Date.now() + PATIENCE_MS;
	for (;;) {
		const now = Date.now();
		const end = beginNow(new URL(url).host, now);
		if (end || now >= lastChance) return end;
		await pause(LOOKS_EVERY_MS);
	}
}

function beginNow(host: string, now: number): (() => void) | undefined {
	const requests = underWay.get(host) ?? new Set();
	for (const request of requests) if (request.endsAt <= now) requests.delete(request);
	if (requests.size >= AT_ONCE) return undefined;
	const request = { endsAt: now + LONGEST_MS };
	requests.add(request);
	underWay.set(host, requests);
	return () => {
		requests.delete(request);
		if (requests.size === 0 && underWay.get(host) === requests) underWay.delete(host);
	};
}
