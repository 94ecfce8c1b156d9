import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { ApiError } from '../core/errors.ts';
import { errorFields, log } from '../core/log.ts';

/** A key id that the set lacks is looked for again, but no more often than this: it may be made up. */
const REFETCH_AFTER_MS = 60_000;
/** A key that its issuer has taken back stops working after this, in an isolate that lives that long. */
const STALE_AFTER_MS = 3_600_000;
const FETCH_TIMEOUT_MS = 5_000;

interface KeySet {
	keys: JWTVerifyGetKey;
	/** When it was last tried: a key id that is made up must not cost a fetch each time. */
	triedAt: number;
	/** When to fetch again, whatever key is asked for. */
	staleAt: number;
}

// Sets that arrived, never promises of them: a promise belongs to the request that made it.
const sets = new Map<string, KeySet>();

/**
 * An issuer's public keys, fetched once an isolate. A first fetch that fails is remembered nowhere, so that the next
 * request tries again. `now` in epoch milliseconds. Throws INTERNAL_ERROR when there are no keys to be had.
 */
export const keysOfIssuer =
	(issuer: string, now: number): JWTVerifyGetKey =>
	async (header, token) => {
		const set = await currentSet(issuer, now);
		try {
			return await set.keys(header, token);
		} catch (error) {
			const unknownKey = error instanceof errors.JWKSNoMatchingKey;
			if (!unknownKey || now < set.triedAt + REFETCH_AFTER_MS) throw error;
			const refreshed = await refreshedSet(set, issuer, now);
			return refreshed.keys(header, token);
		}
	};

async function currentSet(issuer: string, now: number): Promise<KeySet> {
	const known = sets.get(issuer);
	if (!known) return fetchSet(issuer, now);
	return now < known.staleAt ? known : refreshedSet(known, issuer, now);
}

/** The set anew. While its issuer is down, the old one: who has a token from before is not locked out. */
async function refreshedSet(known: KeySet, issuer: string, now: number): Promise<KeySet> {
	try {
		return await fetchSet(issuer, now);
	} catch (error) {
		log('warn', { message: 'key set not refreshed', ...errorFields(error) });
		known.triedAt = now;
		known.staleAt = now + REFETCH_AFTER_MS;
		return known;
	}
}

async function fetchSet(issuer: string, now: number): Promise<KeySet> {
	try {
		const response = await fetch(`${issuer}/.well-known/jwks.json`, {
			headers: { Accept: 'application/json' },
			// Keys come from the address that was configured, and from nowhere that it points to.
			redirect: 'manual',
			signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
		});
		if (response.status !== 200) throw new Error(`The key set was answered with ${response.status}.`);
		const keys = createLocalJWKSet(await response.json());
		const set = { keys, triedAt: now, staleAt: now + STALE_AFTER_MS };
		sets.set(issuer, set);
		return set;
	} catch (cause) {
		throw new ApiError('INTERNAL_ERROR', 'Tokens cannot be verified at the moment.', { cause });
	}
}
