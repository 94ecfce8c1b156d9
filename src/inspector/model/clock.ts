/**
 * The service's time. Browsers' clocks are minutes wrong now and then, and a page that counts from the last event until now
 * would invent a silence.
 */
export interface Clock {
	/** The service's time now, in epoch milliseconds. */
	now(): number;
	/** Learns from a response: its `Date` header has whole seconds. `sentAt` and `receivedAt` are by the local clock. */
	hear(date: string | null, sentAt: number, receivedAt: number): void;
	/** Learns that the service's time was at least this when the local clock said `localTime`. */
	isPast(serviceTime: number, localTime: number): void;
}

const SECOND = 1000;

/** Starts with the local clock, and corrects it as soon as it learns that it is wrong. */
export function newClock(local: () => number = Date.now): Clock {
	/** How far the service is ahead, in milliseconds: at least and at most. */
	let least = Number.NEGATIVE_INFINITY;
	let most = Number.POSITIVE_INFINITY;

	function learn(low: number, high: number): void {
		const [nextLeast, nextMost] = [Math.max(least, low), Math.min(most, high)];
		// One of the clocks was set meanwhile: what was known before does not count any more.
		[least, most] = nextLeast > nextMost ? [low, high] : [nextLeast, nextMost];
	}

	return {
		now() {
			const ahead = least > 0 ? least : most < 0 ? most : 0;
			return local() + ahead;
		},
		hear(date, sentAt, receivedAt) {
			const told = Date.parse(date ?? '');
			if (Number.isNaN(told)) return;
			learn(told - receivedAt, told + SECOND - sentAt);
		},
		isPast: (serviceTime, localTime) => learn(serviceTime - localTime, Number.POSITIVE_INFINITY),
	};
}
