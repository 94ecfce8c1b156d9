import { rateLimited } from '../core/errors.ts';

/** How long a stream may take to open: its look-ups in D1, and its connection to the hub. */
const OPENING_MS = 60_000;
/** A stream ends by itself at any time, so a client may try again soon. */
const RETRY_AFTER_SECONDS = 5;

/** A place for a stream. It is given up at `until` (epoch milliseconds) if nobody does so before. */
export interface Place {
	/** Keeps the place for the stream's longest life. */
	keep(milliseconds: number): void;
	giveUp(): void;
}

// The runtime can drop a request whose client has left, without running the rest of its code. So each place ends by itself.
const taken = new Set<{ caller: string; until: number }>();

/**
 * Takes one of the `most` places for streams of a caller. `now` is in epoch milliseconds. Throws RATE_LIMITED when all are taken.
 */
export function takePlace(caller: string, most: number, now: number): Place {
	let own = 0;
	for (const place of taken) {
		if (place.until <= now) taken.delete(place);
		else if (place.caller === caller) own += 1;
	}
	if (own >= most) {
		throw rateLimited(
			`This caller has ${most} open streams here. Close one, or try again later.`,
			RETRY_AFTER_SECONDS,
		);
	}
	const place = { caller, until: now + OPENING_MS };
	taken.add(place);
	return {
		keep(milliseconds) {
			place.until = now + OPENING_MS + milliseconds;
		},
		giveUp() {
			taken.delete(place);
		},
	};
}
