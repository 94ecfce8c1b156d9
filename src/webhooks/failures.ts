import type { Database, Databases } from '../core/database.ts';
import { inParallel } from '../core/in-parallel.ts';
import { listFailures, type Place, retryMessage, retrySince } from './failure-store.ts';
import type { MessageRow } from './message-store.ts';

/** Messages of one database that one call sends again. */
const REPLAYED_AT_ONCE = 1000;

const eachOf = (databases: Databases): { number: number; db: Database }[] =>
	databases.numbers.map((number) => ({ number, db: databases.at(number) }));

/** Reads a page of the failures of an endpoint from all databases, newest first. */
export async function failuresOf(
	databases: Databases,
	endpointId: string,
	{ before, limit }: { before: Place | undefined; limit: number },
): Promise<{ rows: MessageRow[]; hasMore: boolean }> {
	const pages = await inParallel(eachOf(databases), ({ db }) =>
		listFailures(db, endpointId, before, limit + 1),
	);
	const newestFirst = pages.flat().sort((a, b) => compare(b.created_at, a.created_at) || compare(b.id, a.id));
	return { rows: newestFirst.slice(0, limit), hasMore: newestFirst.length > limit };
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** A delivery has an endpoint for a shorter time, also when a scheduled run is ahead of the clock of this machine. */
const LONGEST_HOLD_MS = 120_000;

const againAt = (now: number) => ({
	now: new Date(now).toISOString(),
	heldUntil: new Date(now + LONGEST_HOLD_MS).toISOString(),
});

/** Makes one failed message due now. Undefined: there is none. */
export const retry = (
	databases: Databases,
	endpointId: string,
	place: Place & { database: number },
	now: number,
): Promise<MessageRow | undefined> =>
	databases.numbers.includes(place.database)
		? retryMessage(databases.at(place.database), endpointId, place, againAt(now))
		: Promise.resolve(undefined);

/** Makes what failed since a time due now, in all databases. `dueIn` has those in which something is due. */
export async function replay(
	databases: Databases,
	endpointId: string,
	{ since, now }: { since: string; now: number },
): Promise<{ count: number; goesOnFrom: string | null; dueIn: number[] }> {
	const results = await inParallel(eachOf(databases), async ({ number, db }) => ({
		number,
		...(await retrySince(db, endpointId, { since, ...againAt(now), count: REPLAYED_AT_ONCE })),
	}));
	const goesOn = results.map(({ goesOnFrom }) => goesOnFrom).filter((time) => time !== null);
	return {
		count: results.reduce((sum, { made }) => sum + made, 0),
		// The earliest, because each database must go on.
		goesOnFrom: goesOn.sort()[0] ?? null,
		dueIn: results.filter(({ made }) => made > 0).map(({ number }) => number),
	};
}
