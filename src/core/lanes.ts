/** How long the work of a trip is remembered. A caller can hide the work of its next trips for one burst in this time. */
const REMEMBERED_MS = 10_000;
/** A request that has not looked for this long was cancelled. */
export const CANCELLED_MS = 500;
/** So many requests at the front that still look are enough to look at. */
const LIVE_AT_FRONT = 8;
/** What cancelled requests leave behind is looked through when there are many callers. */
const MANY_CALLERS = 1000;

/** A request that waits. */
export interface Waiting {
	lookedAt: number;
	leastWork: number;
	/** How many requests had come before it. */
	number: number;
}

/** The rest of a caller after its trips to a database. */
interface Rest {
	/** No trip begins more than REST_FROM_MS before. Epoch milliseconds. */
	until: number;
}

/** The trips of a caller to a database of one kind. Times are in epoch milliseconds, and work is in milliseconds. */
export interface Lane {
	rest: Rest;
	/** When each trip is over at the latest. */
	underWay: Set<{ endsAt: number; work: number }>;
	/** When each request that waits has last looked, the longest waiting first. */
	waiting: Set<Waiting>;
	/** How many requests have come to wait, and how many of them do not wait any more. */
	came: number;
	left: number;
	/** The two trips with the most work of those that are remembered, the larger one first. */
	largest: { endedAt: number; work: number }[];
	/** When a trip has last ended with a result. */
	answeredAt: number;
}

/** What a caller does at one place. */
interface Place {
	rest: Rest;
	/** By kind. */
	lanes: Map<string, Lane>;
}

const places = new Map<string, Place>();
let placeCountToTidy = MANY_CALLERS;

/** The lane of a caller's trips of one kind at one place. */
export function laneOf(placeName: string, kind: string): Lane {
	const { rest, lanes } = placeOf(placeName);
	const known = lanes.get(kind);
	if (known) return known;
	const lane: Lane = {
		rest,
		underWay: new Set(),
		waiting: new Set(),
		came: 0,
		left: 0,
		largest: [],
		answeredAt: 0,
	};
	lanes.set(kind, lane);
	return lane;
}

function placeOf(name: string): Place {
	const known = places.get(name);
	if (known) return known;
	if (places.size >= placeCountToTidy) {
		const now = Date.now();
		for (const [other, { lanes }] of places) if (!isInUse(lanes, now)) places.delete(other);
		// Each place is so looked through about once for each one that is added.
		placeCountToTidy = Math.max(MANY_CALLERS, 2 * places.size);
	}
	const place: Place = { rest: { until: 0 }, lanes: new Map() };
	places.set(name, place);
	return place;
}

function isInUse(lanes: Place['lanes'], now: number): boolean {
	return Array.from(lanes.values()).some((lane) => {
		tidy(lane, now);
		return lane.underWay.size + lane.waiting.size + lane.largest.length > 0;
	});
}

/** Drops the trips that are over or forgotten, and the requests at the front that do not look any more. */
export function tidy(lane: Lane, now: number): void {
	const { underWay, waiting } = lane;
	lane.largest = lane.largest.filter(({ endedAt }) => endedAt + REMEMBERED_MS > now);
	for (const trip of underWay) if (trip.endsAt <= now) underWay.delete(trip);
	let looked = 0;
	for (const request of waiting) {
		if (request.lookedAt + CANCELLED_MS < now) leave(request, lane);
		else if (++looked === LIVE_AT_FRONT) return;
	}
}

/** Lets a request wait no longer. */
export function leave(request: Waiting, lane: Lane): void {
	if (lane.waiting.delete(request)) lane.left += 1;
}
