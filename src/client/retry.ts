const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 8_000;
/** A call does not wait for a longer Retry-After: its caller gets the error. A stream waits as long as this. */
export const MAX_RETRY_AFTER_MS = 120_000;
/** A wrong URL is not worth more retries, and a gateway that has lost the service for a moment is worth some. */
export const MAX_FOREIGN_RETRIES = 2;

/**
 * The delay before a retry in milliseconds: full jitter over a span that doubles with each failure, because clients
 * that failed together must not return together. It is added to the time in Retry-After.
 */
export const delayBefore = (
	retry: number,
	retryAfterMs = 0,
	firstMs = FIRST_DELAY_MS,
	mostMs = MAX_DELAY_MS,
): number => retryAfterMs + Math.random() * Math.min(mostMs, firstMs * 2 ** (retry - 1));

/**
 * Retry-After (RFC 9110, 10.2.3) in milliseconds, from seconds or a date; 0 without a valid one. A date is compared with
 * the server's own clock where the response has one.
 */
export function retryAfterMs(headers: { get(name: string): string | null }): number {
	const value = headers.get('Retry-After');
	if (value === null) return 0;
	if (/^\d+$/.test(value)) return Number(value) * 1000;
	const now = Date.parse(headers.get('Date') ?? '');
	const waitMs = Date.parse(value) - (Number.isNaN(now) ? Date.now() : now);
	return Math.max(0, waitMs) || 0;
}
