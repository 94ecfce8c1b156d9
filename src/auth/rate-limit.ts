import type { Context } from 'hono';
import { ApiError } from '../core/errors.ts';
import { errorFields, log } from '../core/log.ts';
import type { Owner } from '../core/principal.ts';
import type { AppEnv } from '../http/context.ts';

/** The period of the rate limiting binding in wrangler.toml, which the binding does not tell. */
const RETRY_AFTER_SECONDS = '60';

/** What a caller's requests are counted under. As JSON, so that no two callers can share one. */
export const callerKey = ({ userId, organizationId }: Owner): string =>
	`caller:${JSON.stringify([userId, organizationId])}`;

/** What the failures of a network address are counted under: of IPv6 the /64, which is what one customer is given. */
export function addressKey(address: string): string {
	if (!address.includes(':')) return `address:${address}`;
	const [before = '', after] = address.toLowerCase().split('::');
	const head = before === '' ? [] : before.split(':');
	const tail = after ? after.split(':') : [];
	const zeros = after === undefined ? [] : Array.from({ length: 8 - head.length - tail.length }, () => '0');
	const prefix = [...head, ...zeros, ...tail].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
	return `address:${prefix.join(':')}`;
}

/**
 * Counts one request for a key. Throws RATE_LIMITED over the limit. The count is local and not exact, and when the
 * limiter itself fails, the request goes on: it guards the service and must not be what stops it.
 */
export async function refuseWhenTooMany(limiter: RateLimit, key: string): Promise<void> {
	if (await isWithinLimit(limiter, key)) return;
	throw new ApiError('RATE_LIMITED', 'Too many requests. Try again later.', {
		headers: { 'Retry-After': RETRY_AFTER_SECONDS },
	});
}

/** Counts one request against the network address that it comes from. Throws RATE_LIMITED. */
export const countAgainstAddress = (c: Context<AppEnv>): Promise<void> =>
	refuseWhenTooMany(c.env.RATE_LIMITER, addressKey(c.req.header('CF-Connecting-IP') ?? ''));
async function isWithinLimit(limiter: RateLimit, key: string): Promise<boolean> {
	try {
		return (await limiter.limit({ key })).success;
	} catch (error) {
		log('error', { message: 'rate limiter failed', ...errorFields(error) });
		return true;
	}
}
