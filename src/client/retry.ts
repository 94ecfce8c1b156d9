const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 8_000;
/** The client does not retry when the server asks for a longer delay. The caller gets the error instead. */
const MAX_RETRY_AFTER_MS = 120_000;

/**
 * The delay before a retry in milliseconds: full jitter over a span that doubles with each failure, because clients
 * that failed together must not return together. It is added to the time in Retry-After. Undefined when that is more
 * than two minutes.
 */
export function delayBefore(
	retry: number,
	retryAfterMs = 0,
	firstMs = FIRST_DELAY_MS,
	mostMs = MAX_DELAY_MS,
): number | undefined {
	if (retryAfterMs > MAX_RETRY_AFTER_MS) return undefined;
	return retryAfterMs + Math.random() * Math.min(mostMs, firstMs * 2 ** (retry - 1));
}

/** Retry-After (RFC 9110, 10.2.3) in milliseconds, from seconds or a date; 0 without a valid one. */
export function retryAfterMs(header: string | null): number {
	if (header === null) return 0;
	if (/^\d+$/.test(header)) return Number(header) * 1000;
	const until = Date.parse(header);
	return Number.isNaN(until) ? 0 : Math.max(0, until - Date.now());
}

/** Waits. Throws the signal's reason as soon as it aborts. */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
	return new Promise((resolve, reject) => {
		signal?.throwIfAborted();
		const done = () => {
			signal?.removeEventListener('abort', stop);
			resolve();
		};
		const timer = setTimeout(done, milliseconds);
		const stop = () => {
			clearTimeout(timer);
			reject(signal?.reason);
		};
		signal?.addEventListener('abort', stop, { once: true });
	});
}
