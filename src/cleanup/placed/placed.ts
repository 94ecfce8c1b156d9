import type { Databases } from '../../core/database.ts';
import { MAX_TRIES } from '../../database/database.ts';
import {
	deleteExpiredPlacedKeys,
	type EndedKey,
	type KeyInUse,
	readEndedKeys,
	readKeysInUse,
	releaseKeys,
} from './store.ts';

/** What asking one database and releasing its keys in DB can cost at most. */
const ASK_COST = MAX_TRIES.read + 2 * MAX_TRIES.write;

/**
 * Removes from DB what belongs to sessions of other databases, until nothing is left or `mayGoOn` says no; it is told how many
 * statements the next chunk can cost. Returns how many keys were looked at.
 *
 * The end of an Idempotency-Key is asked of its session's database, because a session may have got a longer life. The key of a
 * session that is gone, or whose database is not bound any more, is deleted.
 */
export async function cleanUpPlaced(
	databases: Databases,
	now: string,
	mayGoOn: (cost: number) => boolean,
): Promise<number> {
	const main = databases.numbered(0);
	let count = 0;
	for (let isEmpty = false; !isEmpty && mayGoOn(MAX_TRIES.write); ) {
		const deleted = await deleteExpiredPlacedKeys(main, now);
		count += deleted;
		isEmpty = deleted === 0;
	}
	while (mayGoOn(MAX_TRIES.read + ASK_COST)) {
		const ended = await readEndedKeys(main, now);
		if (ended.length === 0) break;
		const [asked, inUse]: [EndedKey[], KeyInUse[]] = [[], []];
		for (const [number, keys] of Map.groupBy(ended, ({ database }) => database)) {
			// What is not asked now stays for the next chunk.
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
