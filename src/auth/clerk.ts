import { errors, importSPKI, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { ApiError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import type { Settings } from '../core/settings.ts';
import { keysOfIssuer } from './key-set.ts';

const LEEWAY_SECONDS = 5;
/** Characters. Clerk keeps session tokens within 4 KB, what a cookie holds. */
const MAX_TOKEN = 8192;
const MAX_ID = 255;

/** Why a token was refused: for the log, never for the caller. Holds nothing that the caller sent. */
export interface Refusal {
	refused: string;
}

/** Whether the settings let Clerk tokens in at all. */
const isConfigured = (settings: Settings): boolean =>
	(settings.CLERK_JWT_KEY || settings.CLERK_ISSUER) !== '';

/**
 * Verifies a Clerk session token, with the PEM key without any network call, else with the issuer's key set.
 * RS256 only. Source: https://clerk.com/docs/guides/sessions/manual-jwt-verification. `now` in epoch milliseconds.
 * Throws INTERNAL_ERROR for what is not the caller's fault: a PEM that is none, a key set that cannot be had.
 */
export async function verifyClerkToken(
	token: string,
	settings: Settings,
	now: number,
): Promise<Principal | Refusal> {
	if (!isConfigured(settings)) return { refused: 'Clerk is not configured' };
	if (token.length > MAX_TOKEN) return { refused: 'too long' };
	try {
		const { payload, protectedHeader } = await jwtVerify(token, keysOf(settings, now), {
			algorithms: ['RS256'],
			clockTolerance: LEEWAY_SECONDS,
			currentDate: new Date(now),
			requiredClaims: ['exp', 'sub'],
			...(settings.CLERK_ISSUER === '' ? {} : { issuer: settings.CLERK_ISSUER }),
		});
		// RFC 8725, 3.11: the same instance signs tokens of other kinds, such as OAuth's `at+jwt`.
		const { typ } = protectedHeader;
		if (typ !== undefined && !(typeof typ === 'string' && typ.toUpperCase() === 'JWT'))
			return { refused: 'typ' };
		return principalOf(payload, settings, now);
	} catch (error) {
		return refusalOf(error);
	}
}

const keysOf = (settings: Settings, now: number): JWTVerifyGetKey =>
	settings.CLERK_JWT_KEY
		? () => importedPem(settings.CLERK_JWT_KEY)
		: keysOfIssuer(settings.CLERK_ISSUER, now);

const imported = new Map<string, CryptoKey>();

async function importedPem(pem: string): Promise<CryptoKey> {
	const known = imported.get(pem);
	if (known) return known;
	const key = await importSPKI(pem, 'RS256');
	imported.set(pem, key);
	return key;
}

/** What jose does not check: `azp`, `sts`, an `iat` in the future, the form of `sub`. */
function principalOf(claims: JWTPayload, settings: Settings, now: number): Principal | Refusal {
	const { sub, iat, azp, sts } = claims;
	if (typeof sub !== 'string' || sub === '' || sub.length > MAX_ID) return { refused: 'sub' };
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
function organizationOf({ v, o, org_id }: JWTPayload): string | null | undefined {
	const isMember = o !== undefined && o !== null;
	// In version 2 an `org_id` is no claim of Clerk's own.
	const id = isMember ? (o as { id?: unknown }).id : v === 2 ? null : org_id;
	if (id === undefined || id === null) return isMember ? undefined : null;
	return typeof id === 'string' && id !== '' && id.length <= MAX_ID ? id : undefined;
}

/** A token that does not verify is refused; anything else is our trouble. The messages of jose can quote the token. */
function refusalOf(error: unknown): Refusal {
	if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
		return { refused: `${error.claim}: ${error.reason}` };
	}
	if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSInvalid)) {
		return { refused: error.code };
	}
	if (error instanceof ApiError) throw error;
	throw new ApiError('INTERNAL_ERROR', 'Tokens cannot be verified at the moment.', { cause: error });
}
