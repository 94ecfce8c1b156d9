import { type ApiError, rateLimited } from './errors.ts';

/** The bytes that the requests of a caller may hold while they arrive or wait. An isolate has 128 MB for all its callers. */
const MAX_HELD_BYTES = 32_000_000;
/** What large requests may hold of it, so that they do not stop the small ones of their caller. */
export const MAX_HELD_BY_LARGE = 24_000_000;
/** Bytes from which on a request is large: what it holds counts under the lower limit, and work on its texts takes turns. */
export const LARGE_TEXT = 64 * 1024;

/** What a request holds in memory. */
export interface Held {
	/** When it does not count any more, in epoch milliseconds, because a cancelled request does not let it go. */
	until: number;
	/** Whether it could hold further bytes. */
	hasRoom(bytes: number): boolean;
	/** Holds further bytes. Throws RATE_LIMITED as `hold` does. */
	more(bytes: number): void;
	letGo(): void;
}

/** By the name of who holds them. */
const all = new Map<string, Set<{ bytes: number; until: number }>>();

export const tooManyAtOnce = (): ApiError =>
	rateLimited('The caller has sent too much at once. Try again later.', 1);

/** Holds bytes for a request of a caller, or of one of its keys. Throws RATE_LIMITED when all of its requests would hold more than `most`. */
export function hold(name: string, bytes: number, until: number, most = MAX_HELD_BYTES): Held {
	const own = { bytes: 0, until };
	const hasRoom = (further: number) => {
		const room = own.bytes + further < LARGE_TEXT ? most : Math.min(most, MAX_HELD_BY_LARGE);
		return heldBy(name) + further <= room;
	};
	const more = (further: number) => {
		if (!hasRoom(further)) throw tooManyAtOnce();
		own.bytes += further;
	};
	more(bytes);
	const others = all.get(name);
	if (others) others.add(own);
	else all.set(name, new Set([own]));
	return Object.assign(own, { hasRoom, more, letGo: () => forget(name, own) });
}

function heldBy(name: string): number {
	const now = Date.now();
	let sum = 0;
	for (const each of all.get(name) ?? []) {
		if (each.until < now) forget(name, each);
		else sum += each.bytes;
	}
	return sum;
}

function forget(name: string, own: { bytes: number; until: number }): void {
	const others = all.get(name);
	others?.delete(own);
	if (others?.size === 0) all.delete(name);
}
