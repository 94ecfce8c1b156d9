import type { Context } from 'hono';
import { type ApiError, rateLimited } from '../core/errors.ts';
import { errorFields, log } from '../core/log.ts';
import { callerKey, type Principal } from '../core/principal.ts';
import type { Bindings } from '../core/settings.ts';
import type { AppEnv } from '../http/context.ts';
import { clientNetworks } from './networks.ts';

/** The period of the rate limits in wrangler.toml. The binding does not expose it. */
export const RATE_LIMIT_PERIOD_SECONDS = 60;

export const tooManyRequests = (retryAfterSeconds: number = RATE_LIMIT_PERIOD_SECONDS): ApiError =>
	rateLimited('Too many requests. Try again later.', retryAfterSeconds);

/**
 * Counts one request under a key, and returns whether the key is within the limit. The count is local to a Cloudflare
 * location and not exact. When the limiter itself fails, the request goes on, because the limiter must not stop the service.
 */
async function isWithinLimit(limiter: RateLimit, key: string): Promise<boolean> {
	try {
		return (await limiter.limit({ key })).success;
	} catch (error) {
		log('error', { message: 'rate limiter failed', ...errorFields(error) });
		return true;
	}
}

/**
 * Counts a request of a caller. A request with a key for one session counts as one of the caller that made the key, so that many
 * keys do not multiply the limit. First it counts under a lower limit of the key's own, so that the holder of one key cannot use
 * up the caller's limit. Throws RATE_LIMITED.
 */
export async function countRequest(env: Bindings, principal: Principal): Promise<void> {
	if (!(await isRequestWithin(env, principal))) throw tooManyRequests();
}

async function isRequestWithin(env: Bindings, principal: Principal): Promise<boolean> {
	const { keyId, sessionId } = principal;
	const isWithinOwn =
		sessionId === null || (await isWithinLimit(env.SESSION_KEY_LIMITER, `session-key:${keyId}`));
	return isWithinOwn && isWithinLimit(env.RATE_LIMITER, callerKey(principal));
}

/** What one counted request covers: trips to D1, bytes of its body and of what it reads from D1, and messages to webhooks. */
const TRIPS_COVERED = 10;
const MESSAGES_COVERED = 100;
const BYTES_COVERED = 1_000_000;
/** The most requests that a response counts as at once. A list of 100 full sessions counts as some 200. */
const MAX_COUNTED_AT_ONCE = 500;

/** What a request costs. */
interface RequestCost {
	trips: number;
	bytes: number;
	/** Messages that it owes to webhooks. They are stored until they arrive, whatever becomes of the session. */
	messages: number;
}

const beyond = (amount: number, covered: number): number => Math.max(0, Math.ceil(amount / covered) - 1);

/**
 * How many requests one request counts as: one, and another for each further ten trips, each further megabyte and each further
 * hundred messages.
 */
export const requestsFor = ({ trips, bytes, messages }: RequestCost): number =>
	1 + beyond(trips, TRIPS_COVERED) + beyond(bytes, BYTES_COVERED) + beyond(messages, MESSAGES_COVERED);

/**
 * Returns a function that counts what a request has cost beyond what was counted before, as further requests of its caller. It
 * never rejects the request itself, because its work is done. It stops at the limit, where counting more has no effect.
 */
export function costCounter(env: Bindings, principal: Principal, cost: () => RequestCost) {
	let counted = 1;
	return async (): Promise<void> => {
		const further = Math.min(requestsFor(cost()) - counted, MAX_COUNTED_AT_ONCE);
		counted += further;
		for (let n = 0; n < further; n += 1) if (!(await isRequestWithin(env, principal))) return;
	};
}

/**
 * Counts one request under its networks, the narrowest first. Returns the network that is over the limit, or undefined. What one
 * network sends over its limit does not count under the wider one, so that it cannot use up its neighbours' limit.
 */
export async function countUnderNetworks(
	limiter: RateLimit,
	what: string,
	networks: readonly string[],
): Promise<string | undefined> {
	for (const network of networks) {
		if (!(await isWithinLimit(limiter, `${what}:${network}`))) return network;
	}
	return undefined;
}

/** Counts a failed attempt that cost no round trip to D1 under the client's networks. Throws RATE_LIMITED. */
export async function countFailure(c: Context<AppEnv>): Promise<void> {
	const over = await countUnderNetworks(c.env.RATE_LIMITER, 'failure', clientNetworks(c));
	if (over !== undefined) throw tooManyRequests();
}

/** Counts a health check, which costs a round trip to D1, under the client's networks. Throws RATE_LIMITED. */
export async function countHealthCheck(c: Context<AppEnv>): Promise<void> {
	const over = await countUnderNetworks(c.env.GUESS_LIMITER, 'health', clientNetworks(c));
	if (over !== undefined) throw tooManyRequests();
}
