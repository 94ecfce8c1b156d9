import { errors, importSPKI, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { ApiError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import type { Settings } from '../core/settings.ts';
import { keysOfIssuer, type Verification } from './key-set.ts';

const LEEWAY_SECONDS = 5;
/** Characters. Clerk keeps session tokens within 4 KB, because they must fit into a cookie. */
const MAX_TOKEN = 8192;
const MAX_ID = 255;

/**
 * The reason why a token was rejected. It goes into the log, never to the caller, and contains nothing that the caller
 * sent.
 */
interface Rejection {
	reason: string;
}

/** Whether the settings allow Clerk tokens at all. */
const isConfigured = (settings: Settings): boolean =>
	(settings.CLERK_JWT_KEY || settings.CLERK_ISSUER) !== '';

/**
 * Verifies a Clerk session token, RS256 only. With the configured PEM key this makes no network call; otherwise it uses
 * the issuer's key set. Source: https://clerk.com/docs/guides/sessions/manual-jwt-verification. Throws INTERNAL_ERROR
 * when the caller is not at fault: the PEM is invalid, or the key set is unavailable.
 *
 * With a `resource` it also accepts an OAuth access token of Clerk (RFC 9068) for that resource.
 */
export async function verifyClerkToken(
	token: string,
	settings: Settings,
	verification: Verification,
	resource?: string,
): Promise<Principal | Rejection> {
	if (!isConfigured(settings)) return { reason: 'Clerk is not configured' };
	if (token.length > MAX_TOKEN) return { reason: 'too long' };
	const { now } = verification;
	try {
		const { payload, protectedHeader } = await jwtVerify(token, keysOf(settings, verification), {
			algorithms: ['RS256'],
			clockTolerance: LEEWAY_SECONDS,
			currentDate: new Date(now),
			requiredClaims: ['exp', 'sub'],
			...(settings.CLERK_ISSUER === '' ? {} : { issuer: settings.CLERK_ISSUER }),
		});
		if (resource !== undefined && isAccessToken(protectedHeader.typ)) {
			// A client must not use a token that it got for another server (RFC 9068, section 4).
			if (![payload.aud].flat().includes(resource)) return { reason: 'aud' };
			// It has a client_id in place of an azp.
			return principalOf(payload, { ...settings, CLERK_AUTHORIZED_PARTIES: [] }, now);
		}
		if (!isSessionToken(protectedHeader.typ)) return { reason: 'typ' };
		return principalOf(payload, settings, now);
	} catch (error) {
		return rejectionOf(error);
	}
}

/** RFC 8725, 3.11: the same instance signs tokens of several kinds, and `typ` tells them apart. */
const isSessionToken = (typ: unknown): boolean =>
	typ === undefined || (typeof typ === 'string' && typ.toUpperCase() === 'JWT');
const isAccessToken = (typ: unknown): boolean =>
	typeof typ === 'string' && /^(application\/)?at\+jwt$/i.test(typ);

const keysOf = (settings: Settings, verification: Verification): JWTVerifyGetKey =>
	settings.CLERK_JWT_KEY
		? () => importedPem(settings.CLERK_JWT_KEY)
		: keysOfIssuer(settings.CLERK_ISSUER, verification);

const imported = new Map<string, CryptoKey>();

async function importedPem(pem: string): Promise<CryptoKey> {
	const known = imported.get(pem);
	if (known) return known;
	try {
		const key = await importSPKI(pem, 'RS256');
		imported.set(pem, key);
		return key;
	} catch (cause) {
		throw new Error('CLERK_JWT_KEY is not the public RSA key of a Clerk instance.', { cause });
	}
}

/** Checks the claims that jose does not check: `azp`, `sts`, an `iat` in the future, and the form of `sub`. */
function principalOf(claims: JWTPayload, settings: Settings, now: number): Principal | Rejection {
	const { sub, iat, azp, sts } = claims;
	if (typeof sub !== 'string' || sub === '' || sub.length > MAX_ID) return { reason: 'sub' };
	if (iat !== undefined && iat > now / 1000 + LEEWAY_SECONDS) return { reason: 'iat is in the future' };
	const parties = settings.CLERK_AUTHORIZED_PARTIES;
	if (parties.length > 0 && (typeof azp !== 'string' || !parties.includes(azp))) return { reason: 'azp' };
	if (sts === 'pending') return { reason: 'sts is pending' };
	const organizationId = organizationOf(claims);
	if (organizationId === undefined) return { reason: 'organization' };
	const clerkSessionId = sessionOf(claims);
	return {
		userId: sub,
		organizationId,
		permissions: ['*'],
		keyId: null,
		clerkSessionId,
		sessionId: null,
		appendTypes: [],
		expiresAt: clerkSessionId === null ? Number(claims.exp) * 1000 : Number.POSITIVE_INFINITY,
	};
}

/** Returns the id of the Clerk session. Null for a token without one, which a custom template of Clerk can make. */
const sessionOf = ({ sid }: JWTPayload): string | null =>
	typeof sid === 'string' && sid !== '' && sid.length <= MAX_ID ? sid : null;

/**
 * Returns the organization's id: `o.id` in version 2 of Clerk's claims, `org_id` in version 1. Null without an organization,
 * undefined when the claim is malformed.
 */
function organizationOf({ v, o, org_id }: JWTPayload): string | null | undefined {
	const isMember = o !== undefined && o !== null;
	// In version 2 an `org_id` is a custom claim, not one of Clerk's.
	const id = isMember ? (o as { id?: unknown }).id : v === 2 ? null : org_id;
	if (id === undefined || id === null) return isMember ? undefined : null;
	return typeof id === 'string' && id !== '' && id.length <= MAX_ID ? id : undefined;
}

/**
 * Turns an error of jose into a rejection, without jose's message, which can quote the token. Throws INTERNAL_ERROR
 * when the token is not at fault.
 */
function rejectionOf(error: unknown): Rejection {
	if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
		return { reason: `${error.claim}: ${error.reason}` };
	}
	if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSInvalid)) {
		return { reason: error.code };
	}
	if (error instanceof ApiError) throw error;
	throw new ApiError('INTERNAL_ERROR', 'Tokens cannot be verified at the moment.', { cause: error });
}
