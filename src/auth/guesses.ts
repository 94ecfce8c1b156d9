import { pause } from '../core/pause.ts';
import { reject } from './api-keys.ts';
import { enforceRateLimit, isWithinLimit, RATE_LIMIT_PERIOD_SECONDS, rateLimited } from './rate-limit.ts';

// Anybody can make up a key with a valid checksum, and only D1 can tell it from a valid key. A look-up therefore counts
// against the client's network only after it has failed. Counting each look-up beforehand would count valid keys as
// guesses: a new isolate has to look up every key, and many callers may share one address.

/** How many unproven keys of one network an isolate looks up at once. A burst could otherwise pass before it is counted. */
const MAX_CONCURRENT = 10;
/** The time after which a look-up loses its place. A cancelled request does not run the code after its look-up. */
const ABANDONED_AFTER_MS = 5_000;
/** How long a request waits for a place. */
const MAX_WAIT_MS = 10_000;
const POLL_EVERY_MS = 20;
const MAX_NETWORKS = 2000;

/** The state of a network in this isolate. Times are in epoch milliseconds. */
interface Network {
	/** Look-ups of unproven keys are rejected until this time. */
	blockedUntil: number;
	/** When each running look-up started. */
	running: Set<{ startedAt: number }>;
}

const networks = new Map<string, Network>();

function networkNamed(name: string): Network {
	const known = networks.get(name);
	if (known) return known;
	const [oldest] = networks.keys();
	if (networks.size >= MAX_NETWORKS && oldest !== undefined) networks.delete(oldest);
	const network = { blockedUntil: 0, running: new Set<{ startedAt: number }>() };
	networks.set(name, network);
	return network;
}

/**
 * Runs the check of a key. While the key is unproven, which means that this isolate has neither accepted nor rejected it,
 * the check waits for a place among the look-ups of the client's network. Throws RATE_LIMITED when the network is blocked
 * or the wait takes too long.
 */
export async function checkGuarded<T>(
	networkName: string,
	isUnproven: () => boolean,
	check: () => Promise<T>,
): Promise<T> {
	const deadline = Date.now() + MAX_WAIT_MS;
	while (isUnproven()) {
		const network = networkNamed(networkName);
		const now = Date.now();
		if (now < network.blockedUntil || now > deadline) throw rateLimited();
		for (const lookUp of network.running) {
			if (now - lookUp.startedAt >= ABANDONED_AFTER_MS) network.running.delete(lookUp);
		}
		if (network.running.size < MAX_CONCURRENT) return inPlace(network, check);
		// Another request may have looked up the same key meanwhile.
		await pause(POLL_EVERY_MS);
	}
	return check();
}

async function inPlace<T>({ running }: Network, check: () => Promise<T>): Promise<T> {
	const lookUp = { startedAt: Date.now() };
	running.add(lookUp);
	try {
		return await check();
	} finally {
		running.delete(lookUp);
	}
}

/**
 * Counts a rejected key against the client's network. Throws RATE_LIMITED when the network is over the limit. Repeating
 * one rejected key affects only rejected keys. Look-ups that found no key block further look-ups of unproven keys.
 */
export async function countRejectedKey(
	limiter: RateLimit,
	networkName: string,
	{ keyHash, lookedUp }: { keyHash: string; lookedUp: boolean },
): Promise<void> {
	const until = Date.now() + RATE_LIMIT_PERIOD_SECONDS * 1000;
	if (lookedUp && !(await isWithinLimit(limiter, `guess:${networkName}`))) {
		networkNamed(networkName).blockedUntil = until;
	}
	try {
		await enforceRateLimit(limiter, `rejected-key:${networkName}`);
	} catch (error) {
		// The caller is told to wait for a period, so the key is not looked up before its end.
		reject(keyHash, until);
		throw error;
	}
}
