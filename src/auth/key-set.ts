import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { ApiError } from '../http/errors.ts';
import { errorFields, log } from '../http/log.ts';

/** A key id that the set lacks is looked for again, but no more often than this: it may be made up. */
const REFETCH_AFTER_MS = 60_000;
/** A key that its issuer has taken back stops working after this, in an isolate that lives that long. */
const STALE_AFTER_MS = 3_600_000;
const FETCH_TIMEOUT_MS = 5_000;

interface KeySet {
	keys: JWTVerifyGetKey;
	fetchedAt: number;
	/** When to fetch again, whatever key is asked for. */
	staleAt: number;
}

// Sets that arrived, never promises of them: a promise belongs to the request that made it.
const sets = new Map<string, KeySet>();

/**
 * An issuer's public keys, fetched once an isolate. A failed fetch is remembered nowhere, so that the next request
 * tries again. `now` in epoch milliseconds. Throws INTERNAL_ERROR when the keys cannot be had.
 */
export const keysOfIssuer =
	(issuer: string, now: number): JWTVerifyGetKey =>
	async (header, token) => {
		const set = await currentSet(issuer, now);
		try {
			return await set.keys(header, token);
		} catch (error) {
			const unknownKey = error instanceof errors.JWKSNoMatchingKey;
			if (!unknownKey || now < set.fetchedAt + REFETCH_AFTER_MS) throw error;
			const refetched = await fetchSet(issuer, now);
			return refetched.keys(header, token);
		}
	};

async function currentSet(issuer: string, now: number): Promise<KeySet> {
	const known = sets.get(issuer);
	if (known && now < known.staleAt) return known;
	try {
		return await fetchSet(issuer, now);
	} catch (error) {
		if (!known) throw error;
		// An issuer that is down for a while locks nobody out who has a token from before.
		log('warn', { message: 'key set not refreshed', ...errorFields(error) });
		known.staleAt = now + REFETCH_AFTER_MS;
		return known;
	}
}

async function fetchSet(issuer: string, now: number): Promise<KeySet> {
	try {
		const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/jwks.json`, {
			headers: { Accept: 'application/json' },
			// Keys come from the address that was configured, and from nowhere that it points to.
			redirect: 'manual',
			signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
		});
		if (response.status !== 200) throw new Error(`The key set was answered with ${response.status}.`);
		const keys = createLocalJWKSet(await response.json());
		const set = { keys, fetchedAt: now, staleAt: now + STALE_AFTER_MS };
		sets.set(issuer, set);
		return set;
	} catch (cause) {
		throw new ApiError('INTERNAL_ERROR', 'Tokens cannot be verified at the moment.', { cause });
	}
}
