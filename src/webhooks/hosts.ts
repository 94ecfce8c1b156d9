import { pauseUntil } from '../core/pause.ts';
import { callerKey } from '../core/principal.ts';
import { newShares } from '../core/shares.ts';
import type { EndpointRow } from './endpoint-store.ts';

/** Requests that an isolate has under way at once to one host, and those of them for one caller: many callers may share a host. */
const AT_ONCE = 8;
const OF_ONE_CALLER = 4;
/** When a request is over at the latest, also when its invocation was ended before it could say so. */
const LONGEST_MS = 20_000;

const underWay = newShares();

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
	const there = `${caller} at ${host}`;
	if (underWay.of(host, now) >= AT_ONCE || underWay.of(there, now) >= OF_ONE_CALLER) return undefined;
	const requests = [host, there].map((name) => underWay.take(name, 1, now + LONGEST_MS));
	return () => {
		for (const request of requests) request.giveUp();
	};
}
