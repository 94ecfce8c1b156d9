import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { Patience } from '../core/database.ts';
import { ApiError } from '../core/errors.ts';
import { log } from '../core/log.ts';
import { mayDo, type NeededPermission, type Principal } from '../core/principal.ts';
import { settingsOf } from '../core/settings.ts';
import { sha256Hex } from '../core/sha256.ts';
import { type AppEnv, responseEnd } from '../http/context.ts';
import { environmentOf, isWellFormedKey, type KeyEnvironment } from './api-key-format.ts';
import { checkKey, keyState } from './api-keys.ts';
import { verifyClerkToken } from './clerk.ts';
import { countRejectedKey, waitForLookUp } from './guesses.ts';
import { clientNetworks } from './networks.ts';
import { costCounter, countFailure, countRequest } from './rate-limit.ts';

const REALM = 'product-generation-sessions';

/** RFC 6750, section 3: the challenge carries no error code when the request carries no credentials. */
const unauthorized = (hasCredentials: boolean, metadata: string | undefined): ApiError =>
	new ApiError(
		'UNAUTHORIZED',
		hasCredentials
			? 'The API key or token is not valid.'
			: 'Send an API key or a session token: Authorization: Bearer <token>.',
		{
			headers: {
				'WWW-Authenticate': [
					`Bearer realm="${REALM}"`,
					...(hasCredentials ? ['error="invalid_token"'] : []),
					...(metadata === undefined ? [] : [`resource_metadata="${metadata}"`]),
				].join(', '),
			},
		},
	);

/** The path of the metadata of a protected resource comes before the resource's own (RFC 9728, section 3.1). */
export const METADATA_PATH = '/.well-known/oauth-protected-resource';

/** The URL of the metadata of the resource that the request is for. Undefined where OAuth clients have no issuer to go to. */
function metadataUrl(c: Context<AppEnv>): string | undefined {
	const resource = c.get('resource');
	if (resource === undefined || settingsOf(c.env).CLERK_ISSUER === '') return undefined;
	const { origin, pathname } = new URL(resource);
	return `${origin}${METADATA_PATH}${pathname}`;
}

/**
 * Authenticates the caller by API key or Clerk session token, and counts the request against the caller's rate limit, and after
 * the response what it has cost. Failed attempts are counted against the networks that they come from. Throws UNAUTHORIZED, RATE_LIMITED.
 */
export const authenticate = createMiddleware<AppEnv>(async (c, next) => {
	const credentials = credentialsOf(c.req.header('Authorization'));
	const afterResponse: Work[] = [];
	const { patience } = c.get('databases');
	const principal = await principalOf(c, credentials, { afterResponse, patience });
	if (!principal) throw unauthorized(credentials !== undefined, metadataUrl(c));
	c.set('principal', principal);
	await countRequest(c.env, principal);
	const { queryStats } = c.var;
	const countCost = costCounter(c.env, principal, () => ({
		trips: queryStats.roundTrips,
		bytes: (c.get('bodyBytes') ?? 0) + queryStats.bytesRead,
		messages: c.get('databases').owed().length,
	}));
	c.set('countCost', countCost);
	await next();
	void responseEnd(c).then(() => c.executionCtx.waitUntil(countCost()));
	for (const work of afterResponse) c.executionCtx.waitUntil(work());
});

/**
 * Authenticates a request again while its response is still being sent. Returns whether the caller is the same and
 * still has the permission. Throws DatabaseUnavailable, RATE_LIMITED.
 */
export async function isStillAllowed(c: Context<AppEnv>, needed: NeededPermission): Promise<boolean> {
	const before = c.get('principal');
	const afterResponse: Work[] = [];
	const credentials = credentialsOf(c.req.header('Authorization'));
	const now = await principalOf(c, credentials, { afterResponse, patience: undefined });
	for (const work of [...afterResponse, c.get('countCost')]) c.executionCtx.waitUntil(work());
	if (!now || !mayDo(now, needed)) return false;
	return now.userId === before.userId && now.organizationId === before.organizationId;
}

type Work = () => Promise<void>;
interface Checking {
	afterResponse: Work[];
	patience: Patience | undefined;
}
type Credentials = { kind: 'key' | 'token' | 'neither'; text: string };

/** The environment of the keys that a caller makes. One with a test key makes test keys, and any other one live keys. */
export const environmentOfCaller = (c: Context<AppEnv>): KeyEnvironment =>
	environmentOf(credentialsOf(c.req.header('Authorization'))?.text ?? '');

/** Reads the token of `Bearer <token>`, or a bare API key, as the reference's own examples send it. */
function credentialsOf(header: string | undefined): Credentials | undefined {
	const text = header?.trim();
	if (!text) return undefined;
	const bearer = /^bearer +(\S+)$/i.exec(text)?.[1];
	const token = bearer ?? text;
	if (/^rt_(live|test)_/.test(token)) return { kind: 'key', text: token };
	return { kind: bearer ? 'token' : 'neither', text: token };
}

/** Returns the caller, or undefined when the attempt failed and was counted. Throws RATE_LIMITED. */
async function principalOf(
	c: Context<AppEnv>,
	credentials: Credentials | undefined,
	checking: Checking,
): Promise<Principal | undefined> {
	if (credentials?.kind === 'key') return principalOfApiKey(c, credentials.text, checking);
	const principal = credentials?.kind === 'token' ? await principalOfToken(c, credentials.text) : undefined;
	if (!principal) await countFailure(c);
	return principal;
}

async function principalOfApiKey(
	c: Context<AppEnv>,
	key: string,
	{ afterResponse, patience }: Checking,
): Promise<Principal | undefined> {
	const keyHash = await sha256Hex(key);
	const networks = clientNetworks(c);
	if (keyState(keyHash, Date.now()) === 'unknown') {
		if (!(await isWellFormedKey(key))) {
			await countFailure(c);
			return undefined;
		}
		await waitForLookUp(networks);
	}
	const principal = await checkKey(keyHash, {
		d1: c.env.DB,
		stats: c.get('queryStats'),
		now: Date.now(),
		network: networks.at(-1) ?? '',
		cacheSeconds: settingsOf(c.env).KEY_CACHE_SECONDS,
		patience,
		afterResponse: (work) => afterResponse.push(work),
	});
	if (!principal) await countRejectedKey(c.env.GUESS_LIMITER, networks, keyHash);
	return principal;
}

async function principalOfToken(c: Context<AppEnv>, token: string): Promise<Principal | undefined> {
	try {
		const verified = await verifyClerkToken(
			token,
			settingsOf(c.env),
			{
				now: Date.now(),
				waitUntil: (work) => c.executionCtx.waitUntil(work),
			},
			c.get('resource'),
		);
		if (!('reason' in verified)) return verified;
		log('warn', { message: 'token rejected', requestId: c.get('requestId'), reason: verified.reason });
		return undefined;
	} catch (error) {
		// Such a token may have caused a fetch of the issuer's keys.
		await countFailure(c);
		throw error;
	}
}
