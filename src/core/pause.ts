/** Resolves after some milliseconds. */
export const pause = (milliseconds: number): Promise<void> =>
	new Promise((resolve) => setTimeout(resolve, milliseconds));

const POLL_EVERY_MS = 20;

/**
 * Resolves once `isDone` returns true. It polls, because a request must not await another request's promise, which
 * never settles when that request is cancelled.
 */
export async function pauseUntil(isDone: () => boolean): Promise<void> {
	while (!isDone()) await pause(POLL_EVERY_MS);
}
