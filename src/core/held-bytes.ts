import { type ApiError, rateLimited } from './errors.ts';
import { newShares, type Share } from './shares.ts';

/** The bytes that the requests of a caller may hold while they arrive or wait. An isolate has 128 MB for all its callers. */
const MAX_HELD_BYTES = 32_000_000;
/** What large requests may hold of it, so that they do not stop the small ones of their caller. */
export const MAX_HELD_BY_LARGE = 24_000_000;
/** Bytes from which on a request is large: what it holds counts under the lower limit, and work on its texts takes turns. */
export const LARGE_TEXT = 64 * 1024;

/** What a request holds in memory. It does not count any more after `until`. */
export interface Held extends Share {
	/** Whether it could hold further bytes. */
	hasRoom(bytes: number): boolean;
	/** Holds further bytes. Throws RATE_LIMITED as `hold` does. */
	more(bytes: number): void;
}

const held = newShares();

export const tooManyAtOnce = (): ApiError =>
	rateLimited('The caller has sent too much at once. Try again later.', 1);

/** Holds bytes for a request of a caller, or of one of its keys. Throws RATE_LIMITED when all of its requests would hold more than `max`. */
export function hold(name: string, bytes: number, until: number, max = MAX_HELD_BYTES): Held {
	let own = 0;
	const hasRoom = (further: number): boolean => {
		const room = own + further < LARGE_TEXT ? max : Math.min(max, MAX_HELD_BY_LARGE);
		return held.of(name, Date.now()) + further <= room;
	};
	if (!hasRoom(bytes)) throw tooManyAtOnce();
	const share = held.take(name, bytes, until);
	own = bytes;
	const more = (further: number) => {
		if (!hasRoom(further)) throw tooManyAtOnce();
		own += further;
		share.add(further);
	};
	return Object.assign(share, { hasRoom, more });
}
