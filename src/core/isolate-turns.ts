import { LARGE_TEXT } from './held-bytes.ts';
import { callerKey, type Owner } from './principal.ts';
import { takeTurn } from './turns.ts';

/** How long a request waits for its turn. */
const TURN_MS = 10_000;
const MEGABYTE = 1_000_000;

/**
 * How long the isolate works on a megabyte of JSON with short members, in milliseconds, measured on a slow machine. A text with few
 * and long strings takes a tenth of that.
 */
export const MS_A_MEGABYTE = { read: 15, merge: 60, hash: 75, undo: 8 } as const;
/** The same for a message of the Model Context Protocol, which is read by JSON.parse and written again. */
const MS_A_MEGABYTE_OF_MESSAGE = 80;

/** Waits for the turn of one of a caller's large texts, or of one of its large messages. One of each kind is under way at a time. */
const takeOwnTurn = (at: 'the isolate' | 'messages', owner: Owner, bytes: number) =>
	takeTurn({ caller: callerKey(owner), at, kind: 'large', atOnce: 1, leastWork: 0, bytes }, TURN_MS);

/**
 * Works on texts of a caller with some `bytes` in all. An isolate does one thing at a time, so all its callers wait meanwhile. A
 * caller's large texts therefore take turns, one at a time, and after each of them the caller rests, as it does after trips to a
 * database: nobody gets more than about half of the isolate's time. The turn ends before anything that the work leaves to wait for,
 * because a request can be cancelled there. Throws RATE_LIMITED when the turn does not come within ten seconds, and at once when
 * the caller's requests hold MAX_HELD_BYTES.
 */
export async function inTurn<T>(
	owner: Owner,
	kind: keyof typeof MS_A_MEGABYTE,
	bytes: number,
	work: () => T,
): Promise<Awaited<T>> {
	if (bytes < LARGE_TEXT) return await work();
	const endTurn = await takeOwnTurn('the isolate', owner, bytes);
	let result: T;
	try {
		result = work();
	} finally {
		endTurn((bytes / MEGABYTE) * MS_A_MEGABYTE[kind]);
	}
	return await result;
}

/**
 * Waits for the turn of a caller's large message, of which the isolate holds one at a time. Returns the function that ends it, and
 * then the caller rests. Its parts have turns of their own. A turn that nobody ends, because the client has left, is over after
 * ten seconds. Throws RATE_LIMITED when it does not come within ten seconds.
 */
export async function beginLargeMessage(owner: Owner, bytes: number): Promise<() => void> {
	const endTurn = await takeOwnTurn('messages', owner, bytes);
	return () => endTurn((bytes / MEGABYTE) * MS_A_MEGABYTE_OF_MESSAGE);
}
