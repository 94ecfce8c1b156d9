/** How long an event may be missing before the follower reads D1. Writers reach the hub in any order. */
const GAP_MS = 300;
/** Heartbeats for which a renewal lasts. */
const FOLLOWED_HEARTBEATS = 8;

/** How far ahead a follower sets `followed_until`. It is renewed when less than half of that is left. */
export const followedMs = (heartbeatMs: number): number => FOLLOWED_HEARTBEATS * heartbeatMs;

/** When a follower reads D1, and what it needs from there. Times are in epoch milliseconds. */
interface LookUps {
	/** Events may be in D1 that the hub has not sent. */
	lackEvents(): void;
	/** The client has got events. */
	gotEvents(): void;
	/** Events were read from D1. `hasMore`: not all of them. */
	readEvents(hasMore: boolean): void;
	/** Somebody has read D1, and writers send their events to the hub until a time (ISO 8601). */
	seen(followedUntil: string, now: number): void;
	/**
	 * The next look-up: when it is due, whether it must read events, and whether writers must be made to continue to send theirs to the
	 * hub. `position` is that of the client, and `highest` the highest one that is known.
	 */
	next(now: number, position: number, highest: number): { dueAt: number; events: boolean; renew: boolean };
}

/** A new stream reads D1 at once. */
export function newLookUps(
	begunUntil: string,
	heartbeatMs: number,
	now: number,
	random: () => number,
): LookUps {
	let followedUntil = begunUntil;
	let lacksEvents = true;
	/** Since when an event is missing that a notice has named. */
	let gapSince: number | undefined;
	/** Until when what was read last counts as new enough. */
	let freshUntil = now;
	return {
		lackEvents() {
			lacksEvents = true;
		},
		gotEvents() {
			gapSince = undefined;
		},
		readEvents(hasMore) {
			gapSince = undefined;
			lacksEvents = hasMore;
		},
		seen(until, at) {
			if (until > followedUntil) followedUntil = until;
			// The time is random: one of many followers reads D1 first, and its notice saves the others their look-ups.
			freshUntil = at + heartbeatMs * (0.8 + 0.2 * random());
		},
		next(at, position, highest) {
			if (highest <= position) gapSince = undefined;
			else gapSince ??= at;
			const gapEnds = gapSince === undefined ? Number.POSITIVE_INFINITY : gapSince + GAP_MS;
			return {
				dueAt: Math.min(lacksEvents ? at : gapEnds, freshUntil),
				events: lacksEvents || at >= gapEnds,
				renew: Date.parse(followedUntil) - at < followedMs(heartbeatMs) / 2,
			};
		},
	};
}
