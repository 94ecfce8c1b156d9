/**
 * The number of heartbeats between checks of the caller, and the number for which a check holds. A check accepts a revoked key for
 * KEY_CACHE_SECONDS (`checkKey` in auth/api-keys.ts), so a stream ends within four heartbeats after that, or sends nothing of
 * its session any more where the check cannot be made. Such a stream stays open, because D1 can be silent for more than a minute.
 */
const CHECK_HEARTBEATS = 3;
const TRUSTED_HEARTBEATS = 4;

/** How long a stream trusts its caller. Times are in epoch milliseconds. */
interface Trust {
	/** When the caller must be checked again. */
	checkAt(): number;
	/** When the last check that succeeded does not hold any more. */
	endsAt(): number;
	/** Takes the result of a check that did not refuse the caller: false when it could not be made. */
	checked(isAllowed: boolean, now: number): void;
}

/** The caller of a new stream was checked just now. */
export function newTrust(heartbeatMs: number, now: number): Trust {
	let allowedAt = now;
	let checkAt = now + CHECK_HEARTBEATS * heartbeatMs;
	return {
		checkAt: () => checkAt,
		endsAt: () => allowedAt + TRUSTED_HEARTBEATS * heartbeatMs,
		checked(isAllowed, at) {
			if (isAllowed) allowedAt = at;
			checkAt = at + (isAllowed ? CHECK_HEARTBEATS : 1) * heartbeatMs;
		},
	};
}
