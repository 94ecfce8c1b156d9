import { pause } from '../core/pause.ts';
import { reject } from './api-keys.ts';
import { countUnderNetworks, RATE_LIMIT_PERIOD_SECONDS, tooManyRequests } from './rate-limit.ts';

// Anybody can make up a key with a valid checksum, and only D1 can tell it from a valid key that this isolate has not seen. Many
// callers may share an address. So a network with too many rejected keys is slowed down: its unknown keys are still looked up,
// one after another. A refusal would lock out the callers whose keys are good.

/** The time between two look-ups of unknown keys of a network that is slowed down, in one isolate. */
const LOOK_UP_EVERY_MS = 100;
/**
 * The longest time that a request waits for its look-up. At most 50 requests of a network therefore wait at once, so somebody who
 * guesses on fewer connections than that waits too, and leaves room for others.
 */
const MAX_WAIT_MS = 5_000;
const MAX_NETWORKS = 2000;

/** A network that is slowed down in this isolate. Times are in epoch milliseconds. */
interface SlowNetwork {
	until: number;
	/** When the next unknown key may be looked up. */
	nextLookUpAt: number;
}

const slowNetworks = new Map<string, SlowNetwork>();

function slowDown(name: string, until: number): void {
	const known = slowNetworks.get(name);
	if (known) {
		known.until = until;
		return;
	}
	const [oldest] = slowNetworks.keys();
	if (slowNetworks.size >= MAX_NETWORKS && oldest !== undefined) slowNetworks.delete(oldest);
	slowNetworks.set(name, { until, nextLookUpAt: 0 });
}

/**
 * Waits until an unknown key of these networks may be looked up: not at all, unless one of them is slowed down. It takes its turn
 * when it begins to wait, so that a request that is cancelled meanwhile stops nobody. Throws RATE_LIMITED when the wait would
 * be too long.
 */
export async function waitForLookUp(networks: readonly string[]): Promise<void> {
	const now = Date.now();
	let turn = now;
	for (const name of networks) {
		const network = slowNetworks.get(name);
		if (!network || network.until <= now) continue;
		const own = Math.max(now, network.nextLookUpAt);
		if (own - now >= MAX_WAIT_MS) throw tooManyRequests(MAX_WAIT_MS / 1000);
		network.nextLookUpAt = own + LOOK_UP_EVERY_MS;
		turn = Math.max(turn, own);
	}
	if (turn > now) await pause(turn - now);
}

/**
 * Counts a rejected key against the client's networks. A network over the limit is slowed down, and the key is not looked up
 * again until then. Throws RATE_LIMITED in that case.
 */
export async function countRejectedKey(
	limiter: RateLimit,
	networks: readonly string[],
	keyHash: string,
): Promise<void> {
	const over = await countUnderNetworks(limiter, 'rejected-key', networks);
	if (over === undefined) return;
	const until = Date.now() + RATE_LIMIT_PERIOD_SECONDS * 1000;
	slowDown(over, until);
	reject(keyHash, until);
	throw tooManyRequests();
}
