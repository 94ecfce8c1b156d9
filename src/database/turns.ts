import { pause } from '../core/pause.ts';

/**
 * Trips of one caller to one database that an isolate has under way at once. D1 runs one query at a time, so each of them is
 * a query that somebody else's waits for. Eight trips of 150 ms at once are 3,200 in 60 s, more than the rate limit allows.
 */
export const TRIPS_AT_ONCE = 8;
/** The longest pauses before a request looks again whether its trip may begin, in milliseconds. */
const FIRST_PAUSE_MS = 2;
const MAX_PAUSE_MS = 50;
/** Trips of cancelled requests end by time alone, so they are looked through when there are many callers. */
const MANY_CALLERS = 1000;

/** The trips of each caller to each database, with the time at which each is over at the latest, in epoch milliseconds. */
const underWay = new Map<string, Set<{ endsAt: number }>>();

/**
 * Waits until a trip may begin, at most some milliseconds. Returns a function that ends it, and throws when the time is over. A
 * trip that nobody ends, because its request was cancelled, ends after the same time. It looks again and again, because a
 * request must not wait for another one, which may be cancelled.
 */
export async function takeTurn(name: string, milliseconds: number): Promise<() => void> {
	const lastChance = Date.now() + milliseconds;
	for (let looks = 0; ; looks += 1) {
		const trips = tripsOf(name);
		if (trips.size < TRIPS_AT_ONCE) {
			const trip = { endsAt: Date.now() + milliseconds };
			trips.add(trip);
			return () => {
				trips.delete(trip);
				if (trips.size === 0 && underWay.get(name) === trips) underWay.delete(name);
			};
		}
		if (Date.now() >= lastChance) {
			throw new Error('The trip timed out before it began, because its caller has too many at once.');
		}
		await pause(Math.random() * Math.min(FIRST_PAUSE_MS * 2 ** looks, MAX_PAUSE_MS));
	}
}

/** The trips under a name that are not over. */
function tripsOf(name: string): Set<{ endsAt: number }> {
	const known = underWay.get(name);
	if (known) return withoutEnded(known);
	if (underWay.size >= MANY_CALLERS) {
		for (const [other, trips] of underWay) if (withoutEnded(trips).size === 0) underWay.delete(other);
	}
	const trips = new Set<{ endsAt: number }>();
	underWay.set(name, trips);
	return trips;
}

function withoutEnded(trips: Set<{ endsAt: number }>): Set<{ endsAt: number }> {
	const now = Date.now();
	for (const trip of trips) if (trip.endsAt <= now) trips.delete(trip);
	return trips;
}
