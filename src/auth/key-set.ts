import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { ApiError } from '../core/errors.ts';
import { errorFields, log } from '../core/log.ts';
import { pauseUntil } from '../core/pause.ts';

/** The minimum time between two fetches for unknown key ids, because a key id may be made up. */
const REFETCH_AFTER_MS = 60_000;
/** The age at which a key set is fetched again. A key that its issuer has withdrawn stops working then. */
const STALE_AFTER_MS = 3_600_000;
const FETCH_TIMEOUT_MS = 5_000;
/** The time after which requests stop waiting for a fetch that has neither succeeded nor failed. */
const ABANDONED_AFTER_MS = FETCH_TIMEOUT_MS + 1_000;

/** The key set of an issuer in this isolate. All times are in epoch milliseconds. */
interface Issuer {
	/** Undefined until a fetch has succeeded. */
	keySet: JWTVerifyGetKey | undefined;
	/** When the last fetch started. */
	fetchedAt: number;
	/** When the key set must be fetched again, for any key. */
	staleAt: number;
	/** Requests wait for the running fetch until this time; 0 when no fetch is running. */
	fetchingUntil: number;
	/** Why the last fetch failed. */
	failure: unknown;
}

/** The time of the verification, and a way to finish a fetch whose request was cancelled. */
export interface Verification {
	/** Epoch milliseconds. */
	now: number;
	waitUntil: (work: Promise<void>) => void;
}

const issuers = new Map<string, Issuer>();

/**
 * Returns a function for jose that finds the key of a token in its issuer's key set. An isolate fetches the key set of
 * an issuer at the first token, again after an hour, and for an unknown key id at most once a minute. It runs one fetch
 * at a time, which all requests share. The function throws INTERNAL_ERROR when the first fetch fails; the next request
 * then tries again.
 */
export const keysOfIssuer =
	(url: string, verification: Verification): JWTVerifyGetKey =>
	async (header, token) => {
		const issuer = issuerAt(url);
		const keySet = await currentKeySet(issuer, url, verification);
		try {
			return await keySet(header, token);
		} catch (error) {
			if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
			const mayFetch = verification.now >= issuer.fetchedAt + REFETCH_AFTER_MS;
			if (mayFetch || isFetching(issuer)) await fetchOnce(issuer, url, verification);
			if (issuer.keySet === undefined || issuer.keySet === keySet) throw error;
			return issuer.keySet(header, token);
		}
	};

function issuerAt(url: string): Issuer {
	const known = issuers.get(url);
	if (known) return known;
	const issuer = { keySet: undefined, fetchedAt: 0, staleAt: 0, fetchingUntil: 0, failure: undefined };
	issuers.set(url, issuer);
	return issuer;
}

async function currentKeySet(
	issuer: Issuer,
	url: string,
	verification: Verification,
): Promise<JWTVerifyGetKey> {
	if (!issuer.keySet || verification.now >= issuer.staleAt) await fetchOnce(issuer, url, verification);
	if (issuer.keySet) return issuer.keySet;
	throw new ApiError('INTERNAL_ERROR', 'Tokens cannot be verified at the moment.', { cause: issuer.failure });
}

const isFetching = (issuer: Issuer): boolean => Date.now() < issuer.fetchingUntil;

/** Fetches the key set, or waits for the fetch of another request. Never throws: `failure` holds the error. */
async function fetchOnce(issuer: Issuer, url: string, { now, waitUntil }: Verification): Promise<void> {
	if (isFetching(issuer)) return pauseUntil(() => !isFetching(issuer));
	// Marked before the fetch starts. Requests that find a key set use it meanwhile, and do not wait.
	issuer.fetchedAt = now;
	issuer.staleAt = now + REFETCH_AFTER_MS;
	issuer.fetchingUntil = Date.now() + ABANDONED_AFTER_MS;
	const work = fetchKeySet(issuer, url, now);
	// Others wait for this fetch, so it must end even when this request is cancelled.
	waitUntil(work);
	await work;
}

async function fetchKeySet(issuer: Issuer, url: string, now: number): Promise<void> {
	try {
		const response = await fetch(`${url}/.well-known/jwks.json`, {
			headers: { Accept: 'application/json' },
			// A redirect is not followed: keys come from the configured address only.
			redirect: 'manual',
			signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
		});
		if (response.status !== 200) throw new Error(`The issuer returned status ${response.status}.`);
		issuer.keySet = createLocalJWKSet(await response.json());
		issuer.staleAt = now + STALE_AFTER_MS;
	} catch (error) {
		issuer.failure = error;
		// While the issuer is down, the previous key set stays in use, because callers must not be locked out.
		if (issuer.keySet) log('warn', { message: 'key set not refreshed', ...errorFields(error) });
	} finally {
		issuer.fetchingUntil = 0;
	}
}
