/** Requests that an isolate has under way at once to one host. */
const AT_ONCE = 8;
/** When a request is over at the latest, also when its invocation was ended before it could say so. */
const LONGEST_MS = 20_000;

/** When each request to a host is over at the latest, in epoch milliseconds. */
const underWay = new Map<string, Set<{ endsAt: number }>>();

/** Begins a request to a host, and returns the function that ends it. Undefined: the host has as many as it may have. */
export function beginRequest(url: string, now: number): (() => void) | undefined {
	const { host } = new URL(url);
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
