import {
	createRemoteJWKSet,
	errors,
	importSPKI,
	type JWTPayload,
	type JWTVerifyGetKey,
	type JWTVerifyResult,
	jwtVerify,
} from 'jose';
import type { Settings } from '../env.ts';
import { ApiError } from '../http/errors.ts';
import type { Principal } from './principal.ts';

const LEEWAY_SECONDS = 5;
/** The key set is fetched once an isolate, and again for a key id that it lacks, at most once in this time. */
const REFETCH_AFTER_MS = 60_000;
const LONGEST_USER_ID = 255;

/** Why a token was refused: for the log, never for the caller. */
export interface Refusal {
	refused: string;
}

type Keys = { pem: Promise<CryptoKey> } | { set: JWTVerifyGetKey };
const keysBySource = new Map<string, Keys>();

/** Whether the settings let Clerk tokens in at all. */
const isConfigured = (settings: Settings): boolean =>
	(settings.CLERK_JWT_KEY || settings.CLERK_ISSUER) !== '';

/**
 * Verifies a Clerk session token, with the PEM key without any network call, else with the issuer's key set.
 * RS256 only. Source: https://clerk.com/docs/guides/sessions/manual-jwt-verification. `now` in epoch milliseconds.
 */
export async function verifyClerkToken(
	token: string,
	settings: Settings,
	now: number,
): Promise<Principal | Refusal> {
	if (!isConfigured(settings)) return { refused: 'Clerk is not configured' };
	const options = {
		algorithms: ['RS256'],
		clockTolerance: LEEWAY_SECONDS,
		currentDate: new Date(now),
		requiredClaims: ['exp', 'sub'],
		...(settings.CLERK_ISSUER === '' ? {} : { issuer: settings.CLERK_ISSUER }),
	};
	try {
		const keys = keysOf(settings);
		const verified: JWTVerifyResult =
			'pem' in keys
				? await jwtVerify(token, await keys.pem, options)
				: await jwtVerify(token, keys.set, options);
		return principalOf(verified.payload, settings, now);
	} catch (error) {
		return refusalOf(error);
	}
}

function keysOf(settings: Settings): Keys {
	const source = settings.CLERK_JWT_KEY || settings.CLERK_ISSUER;
	const known = keysBySource.get(source);
	if (known) return known;
	const keys: Keys = settings.CLERK_JWT_KEY
		? { pem: importSPKI(settings.CLERK_JWT_KEY, 'RS256') }
		: {
				set: createRemoteJWKSet(new URL('/.well-known/jwks.json', settings.CLERK_ISSUER), {
					cooldownDuration: REFETCH_AFTER_MS,
					cacheMaxAge: Number.POSITIVE_INFINITY,
				}),
			};
	keysBySource.set(source, keys);
	return keys;
}

/** What jose does not check: `azp`, `sts`, an `iat` in the future, the form of `sub`. */
function principalOf(claims: JWTPayload, settings: Settings, now: number): Principal | Refusal {
	const { sub, iat, azp, sts } = claims;
	if (typeof sub !== 'string' || sub === '' || sub.length > LONGEST_USER_ID) return { refused: 'sub' };
	if (iat !== undefined && iat > now / 1000 + LEEWAY_SECONDS) return { refused: 'iat lies in the future' };
	const parties = settings.CLERK_AUTHORIZED_PARTIES;
	if (parties.length > 0 && (typeof azp !== 'string' || !parties.includes(azp))) return { refused: 'azp' };
	if (sts === 'pending') return { refused: 'sts is pending' };
	const organizationId = organizationOf(claims);
	return organizationId === undefined
		? { refused: 'organization' }
		: { userId: sub, organizationId, permissions: ['*'], keyId: null };
}

/** `o.id` in version 2 of Clerk's claims, `org_id` in version 1; null in none; undefined when malformed. */
function organizationOf(claims: JWTPayload): string | null | undefined {
	const { o, org_id } = claims as { o?: unknown; org_id?: unknown };
	const id = o === undefined || o === null ? org_id : (o as { id?: unknown }).id;
	if (id === undefined || id === null) return o === undefined || o === null ? null : undefined;
	return typeof id === 'string' && id !== '' && id.length <= LONGEST_USER_ID ? id : undefined;
}

/** A token that does not verify is refused; a key set that cannot be had, or a PEM that is none, is our trouble. */
function refusalOf(error: unknown): Refusal {
	if (error instanceof errors.JOSEError) {
		const ours =
			error instanceof errors.JWKSTimeout ||
			error instanceof errors.JWKSInvalid ||
			error.code === 'ERR_JOSE_GENERIC';
		if (!ours) return { refused: `${error.code}: ${error.message}` };
	}
	if (error instanceof errors.JOSEError || error instanceof Error) {
		throw new ApiError('INTERNAL_ERROR', 'Tokens cannot be verified at the moment.', { cause: error });
	}
	throw error;
}
