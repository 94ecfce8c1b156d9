import { DatabaseUnavailable } from '../core/database.ts';
import { pause } from '../core/pause.ts';

/**
 * The free plan of Workers allows 50 queries in a request, and the look-up of a key and the update of its last use take
 * some. Those that keep history are not counted: there D1 refuses the request some tries sooner, which is a 503 too.
 */
const MAX_QUERIES = 40;
/**
 * The pause before a new attempt is random, up to the duration of an attempt and doubled each time. Any number of
 * writers then succeed.
 */
const MAX_DOUBLINGS = 6;
const MAX_TRY_MS = 100;

/**
 * Repeats a read and a write on the version that was read until no other writer comes between them. `attempt` returns
 * 'overtaken' when one does. Each attempt reads again after the pause, because an earlier read would be stale by then.
 * Throws DatabaseUnavailable when others never stop writing.
 */
export async function retryOnConflict<T>(
	{ queries }: { queries: number },
	attempt: () => Promise<T | 'overtaken'>,
): Promise<T> {
	for (let tries = 1; tries * queries <= MAX_QUERIES; tries += 1) {
		const started = Date.now();
		const result = await attempt();
		if (result !== 'overtaken') return result;
		const tryMs = Math.min(1 + Date.now() - started, MAX_TRY_MS);
		await pause(Math.random() * tryMs * 2 ** Math.min(tries, MAX_DOUBLINGS));
	}
	throw new DatabaseUnavailable('Too many concurrent writes to this session. Try again.', {
		retryAfterSeconds: 1,
	});
}
