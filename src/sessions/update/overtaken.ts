import { DatabaseUnavailable } from '../../core/database.ts';
import { pause } from '../../core/pause.ts';

/** The free plan of Workers has 50 queries for a request; the look-up of a key and the note of its use take some. */
const MAX_QUERIES = 40;
/** The pause before a new try is up to a try's own length, doubled each time, so that any number of writers get through. */
const MAX_DOUBLINGS = 6;
const MAX_TRY_MS = 100;

/**
 * Tries a read and a write on the version that was read until no other writer has come between; \`attempt\` returns undefined
 * where one has. Each try reads again, after the pause: what a failed write could have read would be old by then.
 * Throws DatabaseUnavailable when others never pause.
 */
export async function untilNotOvertaken<T>(
	{ queries }: { queries: number },
	attempt: () => Promise<T | undefined>,
): Promise<T> {
	for (let tries = 1; tries * queries <= MAX_QUERIES; tries += 1) {
		const started = Date.now();
		const result = await attempt();
		if (result !== undefined) return result;
		const tryMs = Math.min(1 + Date.now() - started, MAX_TRY_MS);
		await pause(Math.random() * tryMs * 2 ** Math.min(tries, MAX_DOUBLINGS));
	}
	throw new DatabaseUnavailable('Too many others are writing this session. Try again.', {
		retryAfterSeconds: 1,
	});
}
