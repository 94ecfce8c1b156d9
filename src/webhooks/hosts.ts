import { pauseUntil } from '../core/pause.ts';
import { callerKey } from '../core/principal.ts';
import type { EndpointRow } from './endpoint-store.ts';

/** Requests that an isolate has under way at once to one host, and those of them for one caller: many callers may share a host. */
const AT_ONCE = 8;
const OF_ONE_CALLER = 4;
/** When a request is over at the latest, also when its invocation was ended before it could say so. */
const LONGEST_MS = 20_000;

interface Request {
	caller: string;
	/** When it is over at the latest, in epoch milliseconds. */
	endsAt: number;
}

/** The requests to each host. */
const underWay = new Map<string, Set<Request>>();

/** How long a request waits for its turn. */
const PAUSES = { firstMs: 20, longestMs: 320, forMs: 5000 };

/**
 * Waits until a request to a host may begin, and returns the function that ends it. Undefined: the host, or the caller there, has
 * had as many as it may have for some seconds.
 */
export async function beginRequest({
	url,
	user_id: userId,
	organization_id: organizationId,
}: Pick<EndpointRow, 'url' | 'user_id' | 'organization_id'>): Promise<(() => void) | undefined> {
	const { host } = new URL(url);
	const caller = callerKey({ userId, organizationId });
	let end: (() => void) | undefined;
	await pauseUntil(() => {
		end = beginNow(host, caller, Date.now());
		return end !== undefined;
	}, PAUSES);
	return end;
}

function beginNow(host: string, caller: string, now: number): (() => void) | undefined {
	const requests = underWay.get(host) ?? new Set();
	for (const request of requests) if (request.endsAt <= now) requests.delete(request);
	const ofCaller = [...requests].filter((request) => request.caller === caller).length;
	if (requests.size >= AT_ONCE || ofCaller >= OF_ONE_CALLER) return undefined;
	const request = { caller, endsAt: now + LONGEST_MS };
	requests.add(request);
	underWay.set(host, requests);
	return () => {
		requests.delete(request);
		if (requests.size === 0 && underWay.get(host) === requests) underWay.delete(host);
	};
}
