import type { Context } from 'hono';
import { ApiError } from '../core/errors.ts';
import { errorFields, log } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import type { AppEnv } from '../http/context.ts';

/** The period of both rate limits in wrangler.toml. The binding does not expose it. */
export const RATE_LIMIT_PERIOD_SECONDS = 60;

/**
 * The key under which a caller's requests are counted. It is JSON, because two different callers must not share a key.
 * A key for one session has its own count: its holder must not be able to use up its maker's requests.
 */
export const callerKey = ({
	userId,
	organizationId,
	keyId,
	sessionId,
}: Omit<Principal, 'permissions'>): string =>
	sessionId === null ? `caller:${JSON.stringify([userId, organizationId])}` : `key:${keyId}`;

/** The network of an address: the IPv4 address itself, or the /64 that one IPv6 customer gets. */
export function networkOf(address: string): string {
	if (!address.includes(':')) return address;
	const [before = '', after] = address.toLowerCase().split('::');
	const head = before === '' ? [] : before.split(':');
	const tail = after ? after.split(':') : [];
	const zeros = after === undefined ? [] : Array.from({ length: 8 - head.length - tail.length }, () => '0');
	const prefix = [...head, ...zeros, ...tail].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
	return prefix.join(':');
}

/** The network that a request comes from. Cloudflare sets the header, so a caller cannot forge it. */
export const clientNetwork = (c: Context<AppEnv>): string =>
	networkOf(c.req.header('CF-Connecting-IP') ?? '');

export const rateLimited = (): ApiError =>
	new ApiError('RATE_LIMITED', 'Too many requests. Try again later.', {
		headers: { 'Retry-After': String(RATE_LIMIT_PERIOD_SECONDS) },
	});

/**
 * Counts one request under a key, and returns whether the key is within the limit. The count is local to a Cloudflare
 * location and not exact. When the limiter itself fails, the request goes on, because the limiter must not stop the service.
 */
export async function isWithinLimit(limiter: RateLimit, key: string): Promise<boolean> {
	try {
		return (await limiter.limit({ key })).success;
	} catch (error) {
		log('error', { message: 'rate limiter failed', ...errorFields(error) });
		return true;
	}
}

/** Counts one request under a key. Throws RATE_LIMITED when the key is over the limit. */
export async function enforceRateLimit(limiter: RateLimit, key: string): Promise<void> {
	if (!(await isWithinLimit(limiter, key))) throw rateLimited();
}

/** Counts a failed attempt that cost no round trip to D1 under the client's network. Throws RATE_LIMITED. */
export const countFailure = (c: Context<AppEnv>): Promise<void> =>
	enforceRateLimit(c.env.RATE_LIMITER, `failure:${clientNetwork(c)}`);

/** Counts a health check, which costs a round trip to D1, under the client's network. Throws RATE_LIMITED. */
export const countHealthCheck = (c: Context<AppEnv>): Promise<void> =>
	enforceRateLimit(c.env.GUESS_LIMITER, `health:${clientNetwork(c)}`);
