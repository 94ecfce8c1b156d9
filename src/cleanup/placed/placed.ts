import type { Databases } from '../../core/database.ts';
import { MAX_TRIES } from '../../database/database.ts';
import { deleteExpiredPlacedKeys, readEndedKeys, readKeysInUse, releaseKeys } from './store.ts';

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
	const keyCost = MAX_TRIES.write;
	for (let isEmpty = false; !isEmpty && mayGoOn(keyCost); ) {
		const deleted = await deleteExpiredPlacedKeys(main, now);
		count += deleted;
		isEmpty = deleted === 0;
	}
	const chunkCost = MAX_TRIES.read * (1 + databases.numbers.length) + 2 * MAX_TRIES.write;
	while (mayGoOn(chunkCost)) {
		const ended = await readEndedKeys(main, now);
		if (ended.length === 0) break;
		count += ended.length;
		const byDatabase = Map.groupBy(ended, ({ database }) => database);
		const inUse = [];
		for (const [number, keys] of byDatabase) {
			if (!databases.numbers.includes(number)) continue;
			inUse.push(...(await readKeysInUse(databases.numbered(number), keys, now)));
		}
		await releaseKeys(main, ended, inUse, now);
	}
	return count;
}
