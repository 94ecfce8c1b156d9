import type { Context } from 'hono';
import type { AppEnv } from '../context.ts';
import { ApiError } from '../http/errors.ts';

/** The period of the rate limiting binding in wrangler.toml, which the binding does not tell. */
const RETRY_AFTER_SECONDS = '60';

/** Counts one request for a key. Throws RATE_LIMITED over the limit. The count is local and not exact. */
export async function refuseWhenTooMany(limiter: RateLimit, key: string): Promise<void> {
	const { success } = await limiter.limit({ key });
	if (success) return;
	throw new ApiError('RATE_LIMITED', 'Too many requests. Try again later.', {
		headers: { 'Retry-After': RETRY_AFTER_SECONDS },
	});
}

/** Counts one request against the network address that it comes from. Throws RATE_LIMITED. */
export const countAgainstAddress = (c: Context<AppEnv>): Promise<void> =>
	refuseWhenTooMany(c.env.RATE_LIMITER, `address:${c.req.header('CF-Connecting-IP') ?? ''}`);
