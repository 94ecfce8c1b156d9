import { rateLimited } from '../core/errors.ts';
import { newShares } from '../core/shares.ts';

/** How long a stream may take to open: its look-ups in D1, and its connection to the hub. */
const OPENING_MS = 60_000;
/** A stream ends by itself at any time, so a client may try again soon. */
const RETRY_AFTER_SECONDS = 5;

/** A place for a stream. */
export interface Place {
	/** Keeps the place for the stream's longest life. Until then it is kept for the time that a stream takes to open. */
	keep(milliseconds: number): void;
	giveUp(): void;
}

const taken = newShares();

/**
 * Takes one of the `max` places for streams of a caller. `now` is in epoch milliseconds. Throws RATE_LIMITED when all are taken.
 */
export function takePlace(caller: string, max: number, now: number): Place {
	if (taken.of(caller, now) >= max) {
		throw rateLimited(
			`This caller has ${max} open streams here. Close one, or try again later.`,
			RETRY_AFTER_SECONDS,
		);
	}
	const place = taken.take(caller, 1, now + OPENING_MS);
	return {
		keep(milliseconds) {
			place.until = now + OPENING_MS + milliseconds;
		},
		giveUp: place.giveUp,
	};
}
