import type { Database, Databases } from '../core/database.ts';
import { inParallel } from '../core/in-parallel.ts';
import { databaseNumberOf } from '../core/session-id.ts';
import { listFailures, type Place, retryMessage, retrySince } from './failure-store.ts';
import { type MessageRow, NEVER } from './message-store.ts';
import { DELIVERY_ID, type Delivery } from './schema.ts';

/** Messages of one database that one call sends again. */
const REPLAYED_AT_ONCE = 1000;

/** The id of a delivery, from which `placeOf` finds the message again. */
const deliveryIdOf = ({ created_at, id }: MessageRow): string =>
	`dlv_${String(Date.parse(created_at)).padStart(13, '0')}_${id.slice('msg_'.length)}`;

/** The place of a delivery in the list, and the number of its database. Undefined for what is no id of a delivery. */
export function placeOf(deliveryId: string): (Place & { database: number }) | undefined {
	const [, time, suffix = ''] = DELIVERY_ID.exec(deliveryId) ?? [];
	if (time === undefined) return undefined;
	return {
		createdAt: new Date(Number(time)).toISOString(),
		id: `msg_${suffix}`,
		database: databaseNumberOf(`sess_${suffix.split('_')[0]}`),
	};
}

/** A delivery on the wire. */
export const deliveryOf = (row: MessageRow): Delivery => ({
	createdAt: row.created_at,
	eventId: row.event_id,
	id: deliveryIdOf(row),
	lastError: row.last_error,
	lastStatus: row.last_status,
	lastTryAt: row.last_try_at,
	messageId: row.id,
	nextTryAt: row.next_try_at === NEVER ? null : row.next_try_at,
	sessionId: row.session_id,
	tries: row.tries,
	type: row.type,
});

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

/** Makes one failed message due now. Undefined: there is none. */
export const retry = (
	databases: Databases,
	endpointId: string,
	place: Place & { database: number },
	now: string,
): Promise<MessageRow | undefined> =>
	databases.numbers.includes(place.database)
		? retryMessage(databases.at(place.database), endpointId, place, now)
		: Promise.resolve(undefined);

/** Makes what failed since a time due now, in all databases. Returns the databases in which something is. */
export async function replay(
	databases: Databases,
	endpointId: string,
	{ since, now }: { since: string; now: string },
): Promise<{ count: number; goesOnFrom: string | null; in: number[] }> {
	const results = await inParallel(eachOf(databases), async ({ number, db }) => ({
		number,
		...(await retrySince(db, endpointId, { since, now, count: REPLAYED_AT_ONCE })),
	}));
	const goesOn = results.map(({ goesOnFrom }) => goesOnFrom).filter((time) => time !== null);
	return {
		count: results.reduce((sum, { made }) => sum + made, 0),
		// The earliest, because each database must go on.
		goesOnFrom: goesOn.sort()[0] ?? null,
		in: results.filter(({ made }) => made > 0).map(({ number }) => number),
	};
}
