import { pause } from '../core/pause.ts';
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

/**
 * How long a request waits for its turn, and when it looks first and at the latest again: it must not wait for another one, which may be
 * cancelled. It looks less and less often, because many may wait for a host that hangs.
 */
const PATIENCE_MS = 5000;
const LOOKS_AFTER_MS = 20;
const LOOKS_AT_LEAST_EVERY_MS = 320;

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
	const lastChance = Date.now() + PATIENCE_MS;
	for (let waits = LOOKS_AFTER_MS; ; waits = Math.min(2 * waits, LOOKS_AT_LEAST_EVERY_MS)) {
		const now = Date.now();
		const end = beginNow(host, caller, now);
		if (end || now >= lastChance) return end;
		await pause(waits);
	}
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
