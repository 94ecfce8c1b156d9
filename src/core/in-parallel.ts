/** Connections that one invocation can have open at a time: https://developers.cloudflare.com/workers/platform/limits/ */
export const MAX_CONNECTIONS = 6;

/** Runs the work for each item, at most six at a time, and returns the results in the order of the items. */
export async function inParallel<T, R>(
	items: readonly T[],
	work: (item: T, at: number) => Promise<R>,
): Promise<R[]> {
	const results: R[] = [];
	const waiting = items.entries();
	async function takeTurns(): Promise<void> {
		for (const [at, item] of waiting) results[at] = await work(item, at);
	}
	await Promise.all(Array.from({ length: Math.min(MAX_CONNECTIONS, items.length) }, takeTurns));
	return results;
}
