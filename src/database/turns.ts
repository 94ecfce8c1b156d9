import { pause } from '../core/pause.ts';

/**
 * Trips of one caller to one database that an isolate has under way at once. D1 runs one query at a time, so each of them is
 * a query that somebody else's waits for. Eight trips of 150 ms at once are 3,200 in 60 s, more than the rate limit allows.
 */
export const TRIPS_AT_ONCE = 8;
/** The same for the look-ups of a caller's streams, of which each can bring 200 KB, and which nobody waits for. */
export const LOOK_UPS_AT_ONCE = 2;
/**
 * The pause after which a request looks whether its turn has come: half a millisecond for each that waits before it, because
 * D1 takes longer for a trip than that.
 */
const PAUSE_MS_A_PLACE = 0.5;
const LEAST_PAUSE_MS = 1;
/** The places that are counted. The pause of later ones is as long. */
const MAX_PLACE = 80;
/** A request that has not looked for this long was cancelled. */
const CANCELLED_MS = 500;
/** What cancelled requests leave behind is looked through when there are many callers. */
const MANY_CALLERS = 1000;

/** The trips of a caller to a database. Times are in epoch milliseconds. */
interface Lane {
	/** When each trip is over at the latest. */
	underWay: Set<{ endsAt: number }>;
	/** When each request that waits has last looked, the longest waiting first. */
	waiting: Set<{ lookedAt: number }>;
}

const lanes = new Map<string, Lane>();

/**
 * Waits until a trip may begin, at most some milliseconds: trips of one name begin in the order in which they came, `atOnce` of
 * them. Returns a function that ends the trip, and throws when the time is over. Each request looks for itself again and
 * again, because it must not wait for another one, which may be cancelled. A trip that nobody ends ends after the same time.
 */
export async function takeTurn(name: string, atOnce: number, milliseconds: number): Promise<() => void> {
	const lane = laneOf(name);
	const own = { lookedAt: Date.now() };
	const lastChance = own.lookedAt + milliseconds;
	lane.waiting.add(own);
	try {
		for (;;) {
			own.lookedAt = Date.now();
			dropCancelled(lane, own.lookedAt);
			const place = placeOf(own, lane);
			if (place < atOnce - lane.underWay.size) break;
			if (own.lookedAt >= lastChance) {
				throw new Error('The trip timed out before it began, because its caller has too many at once.');
			}
			await pause(Math.max(LEAST_PAUSE_MS, place * PAUSE_MS_A_PLACE));
		}
	} finally {
		lane.waiting.delete(own);
	}
	const trip = { endsAt: Date.now() + milliseconds };
	lane.underWay.add(trip);
	return () => {
		lane.underWay.delete(trip);
		if (isEmpty(lane) && lanes.get(name) === lane) lanes.delete(name);
	};
}

/** How many requests began to wait before this one, up to MAX_PLACE. */
function placeOf(own: object, { waiting }: Lane): number {
	let place = 0;
	for (const other of waiting) {
		if (other === own || place === MAX_PLACE) return place;
		place += 1;
	}
	return place;
}

const isEmpty = ({ underWay, waiting }: Lane): boolean => underWay.size + waiting.size === 0;

function laneOf(name: string): Lane {
	const known = lanes.get(name);
	if (known) return known;
	if (lanes.size >= MANY_CALLERS) {
		const now = Date.now();
		for (const [other, lane] of lanes) {
			dropCancelled(lane, now);
			if (isEmpty(lane)) lanes.delete(other);
		}
	}
	const lane: Lane = { underWay: new Set(), waiting: new Set() };
	lanes.set(name, lane);
	return lane;
}

/** Drops the trips that are over, and the requests at the front that do not look any more. */
function dropCancelled({ underWay, waiting }: Lane, now: number): void {
	for (const trip of underWay) if (trip.endsAt <= now) underWay.delete(trip);
	let looked = 0;
	for (const request of waiting) {
		if (request.lookedAt + CANCELLED_MS < now) waiting.delete(request);
		else if (++looked === TRIPS_AT_ONCE) return;
	}
}
