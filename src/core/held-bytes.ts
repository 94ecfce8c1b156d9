import { ApiError } from './errors.ts';

/** The bytes that the requests of a caller may hold while they arrive or wait. An isolate has 128 MB for all its callers. */
export const MAX_HELD_BYTES = 32_000_000;

/** What a request holds in memory. It counts until `until` (epoch milliseconds), because a cancelled request does not end. */
export interface Held {
	bytes: number;
	until: number;
}

/** By caller. */
const held = new Map<string, Set<Held>>();

export const tooManyAtOnce = (): ApiError =>
	new ApiError('RATE_LIMITED', 'The caller has sent too much at once. Try again later.', {
		headers: { 'Retry-After': '1' },
	});

/** Holds bytes for a request of a caller. Throws RATE_LIMITED when its requests would hold more than MAX_HELD_BYTES. */
export function hold(caller: string, bytes: number, until: number): Held {
	checkRoom(caller, bytes);
	const own = { bytes, until };
	const all = held.get(caller);
	if (all) all.add(own);
	else held.set(caller, new Set([own]));
	return own;
}

/** Holds further bytes. Throws RATE_LIMITED as `hold` does. */
export function holdMore(caller: string, own: Held, bytes: number): void {
	checkRoom(caller, bytes);
	own.bytes += bytes;
}

export function letGo(caller: string, own: Held): void {
	const all = held.get(caller);
	all?.delete(own);
	if (all?.size === 0) held.delete(caller);
}

function checkRoom(caller: string, bytes: number): void {
	const now = Date.now();
	let sum = bytes;
	for (const each of held.get(caller) ?? []) {
		if (each.until < now) letGo(caller, each);
		else sum += each.bytes;
	}
	if (sum > MAX_HELD_BYTES) throw tooManyAtOnce();
}
