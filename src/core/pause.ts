/** Resolves after some milliseconds. */
export const pause = (milliseconds: number): Promise<void> =>
	new Promise((resolve) => setTimeout(resolve, milliseconds));

/** How often a request looks again, and for how long, in milliseconds. Each pause is twice the one before, because many may wait. */
interface Pauses {
	firstMs: number;
	longestMs: number;
	forMs: number;
}

const ENDLESS: Pauses = { firstMs: 20, longestMs: 20, forMs: Number.POSITIVE_INFINITY };

/**
 * Resolves once `isDone` returns true, or when the time is over. It looks again and again, because a request must not await another
 * request's promise, which never settles when that request is cancelled.
 */
export async function pauseUntil(isDone: () => boolean, pauses: Pauses = ENDLESS): Promise<void> {
	const { firstMs, longestMs, forMs } = pauses;
	const lastChance = Date.now() + forMs;
	for (let milliseconds = firstMs; ; milliseconds = Math.min(2 * milliseconds, longestMs)) {
		const isLast = Date.now() >= lastChance;
		if (isDone() || isLast) return;
		await pause(milliseconds);
	}
}
