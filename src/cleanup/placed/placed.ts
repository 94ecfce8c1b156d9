import type { Databases } from '../../core/database.ts';
import { MAX_TRIES } from '../../database/database.ts';
import { type EndedKey, type KeyInUse, readEndedKeys, readKeysInUse, releaseKeys } from './store.ts';

/** The most statements that it can take to ask one database for its keys and to release them in DB. */
const ASK_COST = MAX_TRIES.read + 2 * MAX_TRIES.write;

/**
 * Removes from DB the notes of Idempotency-Keys whose sessions have ended. It continues until none is left or `mayGoOn` returns
 * false. `mayGoOn` takes the most statements that the next chunk can need. Returns how many notes were processed.
 *
 * A session may have got a longer life since its note was made, so its database is asked first. The note is kept while the
 * session lives. It is deleted when the session is gone or its database is no longer bound.
 */
export async function cleanUpPlaced(
	databases: Databases,
	now: string,
	mayGoOn: (cost: number) => boolean,
): Promise<number> {
	const main = databases.numbered(0);
	let count = 0;
	while (mayGoOn(MAX_TRIES.read + ASK_COST)) {
		const ended = await readEndedKeys(main, now);
		if (ended.length === 0) break;
		const [asked, inUse]: [EndedKey[], KeyInUse[]] = [[], []];
		for (const [number, keys] of Map.groupBy(ended, ({ database }) => database)) {
			// The keys of databases that are not asked now stay for the next chunk.
			if (asked.length > 0 && !mayGoOn(ASK_COST)) break;
			asked.push(...keys);
			if (!databases.numbers.includes(number)) continue;
			inUse.push(...(await readKeysInUse(databases.numbered(number), keys, now)));
		}
		await releaseKeys(main, asked, inUse, now);
		count += asked.length;
	}
	return count;
}
