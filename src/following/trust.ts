/**
 * The number of heartbeats between checks of the caller, and the number for which a stream continues when D1 is
 * unavailable for the check. A check accepts a revoked key for KEY_CACHE_SECONDS (`checkKey` in auth/api-keys.ts), so a stream
 * ends within four heartbeats after that.
 */
const CHECK_HEARTBEATS = 3;
const TRUSTED_HEARTBEATS = 4;

/** How long a stream trusts its caller. Times are in epoch milliseconds. */
export interface Trust {
	/** When the caller must be checked again. */
	checkAt(): number;
	/** Takes the result of a check: undefined when D1 was unavailable for it. Returns whether the stream may continue. */
	checked(isAllowed: boolean | undefined, now: number): boolean;
}

/** The caller of a new stream was checked just now. */
export function newTrust(heartbeatMs: number, now: number): Trust {
	let allowedAt = now;
	let checkAt = now + CHECK_HEARTBEATS * heartbeatMs;
	return {
		checkAt: () => checkAt,
		checked(isAllowed, at) {
			const trustedUntil = allowedAt + TRUSTED_HEARTBEATS * heartbeatMs;
			if (isAllowed) {
				allowedAt = at;
				checkAt = at + CHECK_HEARTBEATS * heartbeatMs;
				return true;
			}
			if (isAllowed === false || at >= trustedUntil) return false;
			checkAt = Math.min(at + heartbeatMs, trustedUntil);
			return true;
		},
	};
}
