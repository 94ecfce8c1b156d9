import { type Held, hold, tooManyAtOnce } from './held-bytes.ts';
import { CANCELLED_MS, type Lane, laneOf, leave, tidy, type Waiting } from './lanes.ts';
import { pause } from './pause.ts';

/**
 * Trips of one caller to one database that an isolate has under way at once. Eight trips of 150 ms at once are 3,200 in 60 s,
 * more than the rate limit allows.
 */
export const TRIPS_AT_ONCE = 8;
/** The same for the look-ups of a caller's streams, of which each can bring 200 KB, and which nobody waits for. */
export const LOOK_UPS_AT_ONCE = 2;
/**
 * The work of these trips in D1, in milliseconds. D1 runs one query at a time, so somebody else's query waits for all of it. A
 * caller whose trips are more work has fewer under way, and at least one.
 */
export const WORK_AT_ONCE_MS = 10;
/** The work of a trip of a caller of whom little is known, and of one that failed: four of them are under way at once. */
const UNKNOWN_WORK_MS = WORK_AT_ONCE_MS / 4;
/**
 * A caller rests after each trip for as long as the trip was work, so its trips take at most half of the time of D1, and somebody
 * else's trip waits for one large one and not for several. Rests of less than this, in milliseconds, are not worth a timer: they add
 * up until they are more.
 */
export const REST_FROM_MS = 2;
/** The longest rest. */
const MAX_REST_MS = 100;
/**
 * The pause after which a request looks whether its turn has come: half a millisecond for each that waits before it, because
 * D1 takes longer for a trip than that.
 */
const PAUSE_MS_A_PLACE = 0.5;
const MIN_PAUSE_MS = 1;
/** The longest pause. With a shorter one, thousands of requests that wait would take the isolate from others by looking. */
const MAX_PAUSE_MS = 250;
/** The trips of a name go on, unless none of them has ended with a result for this long. */
const SILENT_AFTER_MS = 2000;

/** What takes a turn: a trip to a database, or work of the isolate, which is called a trip here too. Times are in milliseconds. */
interface Trip {
	caller: string;
	/** What it keeps busy, such as a database. After each trip the caller rests there, whatever kind the next one is. */
	at: string;
	/** Those of one caller, place and kind take turns. */
	kind: string;
	/** How many of the caller and the kind may be under way. */
	atOnce: number;
	/** How much work of them. */
	workAtOnce?: number;
	/** The least work that it can be, from what it sends. */
	leastWork: number;
	/** What it holds in memory while it waits. */
	bytes?: number;
	/** The error for one that waits for too long while none under way ends. By default it is the same as while they end. */
	silent?: () => Error;
}

/**
 * Waits until a trip may begin, at most `waitMs`: trips of one caller and kind begin in the order in which they came, as many at
 * once as their work allows. Returns a function that ends the trip and takes its work, undefined where that is not known.
 * Throws RATE_LIMITED when the time is over, because it is the caller's own trips that keep it waiting, or `silent` where none of them
 * ends; and RATE_LIMITED at once when the caller's requests hold as many bytes as they may. Each request looks for itself
 * again and again, because it must not wait for another one, which may be cancelled. A trip that nobody ends is over after `lastsMs`.
 */
export async function takeTurn(
	{
		caller,
		at,
		kind,
		atOnce,
		workAtOnce = WORK_AT_ONCE_MS,
		leastWork,
		bytes = 0,
		silent = tooManyAtOnce,
	}: Trip,
	waitMs: number,
	lastsMs = waitMs,
): Promise<(work: number | undefined) => void> {
	const lane = laneOf(`${at} ${caller}`, kind);
	const own = { lookedAt: Date.now(), leastWork, number: lane.came };
	const lastChance = own.lookedAt + waitMs;
	let held: Held | undefined;
	lane.waiting.add(own);
	lane.came += 1;
	try {
		for (;;) {
			own.lookedAt = Date.now();
			tidy(lane, own.lookedAt);
			// One that looks later than this would begin with too little time.
			if (own.lookedAt <= lastChance && mayBegin(own, lane, { atOnce, workAtOnce })) break;
			if (own.lookedAt >= lastChance) {
				throw lane.answeredAt + SILENT_AFTER_MS > own.lookedAt ? tooManyAtOnce() : silent();
			}
			const until = own.lookedAt + CANCELLED_MS;
			if (held) held.until = until;
			else held = hold(caller, bytes, until);
			const { rest } = lane;
			const restsUntil = rest.until;
			// No rest is longer, also where the clock was set back.
			const left = Math.min(restsUntil - own.lookedAt, MAX_REST_MS);
			await pause(Math.max(pauseOf(own, lane), left));
			// The pause was long enough, also where the clock stands still.
			if (left > 0 && rest.until === restsUntil) rest.until = 0;
		}
	} finally {
		leave(own, lane);
		held?.giveUp();
	}
	const trip = { endsAt: Date.now() + lastsMs, work: expectedWork(own, lane) };
	lane.underWay.add(trip);
	return (known) => {
		lane.underWay.delete(trip);
		const endedAt = Date.now();
		const work = known ?? UNKNOWN_WORK_MS;
		if (known !== undefined) lane.answeredAt = endedAt;
		const toRest = Math.min(work, MAX_REST_MS);
		const restsUntil = Math.max(lane.rest.until, endedAt - toRest) + 2 * toRest;
		lane.rest.until = Math.min(restsUntil, endedAt + MAX_REST_MS);
		lane.largest.push({ endedAt, work });
		lane.largest.sort((a, b) => b.work - a.work).splice(2);
	};
}

/**
 * The work that a trip is expected to be: as much as the second largest one of late. A single large one can be an accident of
 * D1, and the average would let a caller hide a few large ones among many small ones.
 */
const expectedWork = ({ leastWork }: { leastWork: number }, { largest }: Lane): number =>
	Math.max(leastWork, largest[1]?.work ?? UNKNOWN_WORK_MS);

/** Whether a request may begin its trip beside those that are under way, and after all that began to wait before it. */
function mayBegin(
	own: { lookedAt: number; leastWork: number },
	lane: Lane,
	{ atOnce, workAtOnce }: { atOnce: number; workAtOnce: number },
): boolean {
	if (lane.rest.until - own.lookedAt > REST_FROM_MS) return false;
	let trips = lane.underWay.size;
	let work = 0;
	for (const trip of lane.underWay) work += trip.work;
	for (const request of lane.waiting) {
		if (trips >= atOnce) return false;
		work += expectedWork(request, lane);
		if (trips > 0 && work > workAtOnce) return false;
		if (request === own) return true;
		trips += 1;
	}
	return true;
}

/**
 * How long a request pauses before it looks again. The number of those before it is an estimate, never too large: some that came
 * later may have left, too.
 */
const pauseOf = ({ number }: Waiting, { left }: Lane): number =>
	Math.min(Math.max(MIN_PAUSE_MS, (number - left) * PAUSE_MS_A_PLACE), MAX_PAUSE_MS);
