import { ApiError } from '../core/errors.ts';

/** The most streams of one caller that are open in one isolate. Each has a connection to a hub, and up to 256 KB of frames. */
export const MAX_STREAMS = 100;
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
 * Takes a place for a stream of a caller. `now` is in epoch milliseconds. Throws RATE_LIMITED when the caller has MAX_STREAMS.
 */
export function takePlace(caller: string, now: number): Place {
	let own = 0;
	for (const place of taken) {
		if (place.until <= now) taken.delete(place);
		else if (place.caller === caller) own += 1;
	}
	if (own >= MAX_STREAMS) {
		throw new ApiError(
			'RATE_LIMITED',
			`This caller has ${MAX_STREAMS} open streams here. Close one, or try again later.`,
			{ headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) } },
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
