import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { ApiError } from '../core/errors.ts';
import { log } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import { settingsOf } from '../core/settings.ts';
import type { AppEnv } from '../http/context.ts';
import { hashOfKey, isRememberedAsValid, principalOfKey, rememberHash } from './api-keys.ts';
import { verifyClerkToken } from './clerk.ts';
import { callerKey, countAgainstAddress, refuseWhenTooMany } from './rate-limit.ts';

const REALM = 'product-generation-sessions';

/** RFC 6750, section 3: no error code when no credentials came. */
const unauthorized = (sent: boolean): ApiError =>
	new ApiError(
		'UNAUTHORIZED',
		sent
			? 'The API key or token is not valid.'
			: 'Send an API key or a session token: Authorization: Bearer <token>.',
		{
			headers: {
				'WWW-Authenticate': sent
					? `Bearer realm="${REALM}", error="invalid_token"`
					: `Bearer realm="${REALM}"`,
			},
		},
	);

/**
 * Finds out who calls, by API key or Clerk session token, and counts the call against the caller's rate.
 * Throws UNAUTHORIZED, RATE_LIMITED. Failed attempts, and keys that must be looked up, count against the network address,
 * each once.
 */
export const authenticate = createMiddleware<AppEnv>(async (c, next) => {
	const credentials = credentialsOf(c.req.header('Authorization'));
	const afterAnswer: Work[] = [];
	const principal = credentials && (await principalOf(c, credentials, afterAnswer));
	if (!principal) {
		if (credentials?.kind !== 'key') await countAgainstAddress(c);
		throw unauthorized(credentials !== undefined);
	}
	c.set('principal', principal);
	await refuseWhenTooMany(c.env.RATE_LIMITER, callerKey(principal));
	await next();
	for (const work of afterAnswer) c.executionCtx.waitUntil(work());
});

type Work = () => Promise<void>;
type Credentials = { kind: 'key' | 'token' | 'neither'; text: string };

/** The token of `Bearer <token>`, or an API key that stands alone, as the reference's own examples send it. */
function credentialsOf(header: string | undefined): Credentials | undefined {
	const text = header?.trim();
	if (!text) return undefined;
	const bearer = /^bearer +(\S+)$/i.exec(text)?.[1];
	const token = bearer ?? text;
	if (/^rt_(live|test)_/.test(token)) return { kind: 'key', text: token };
	return { kind: bearer ? 'token' : 'neither', text: token };
}

async function principalOf(
	c: Context<AppEnv>,
	{ kind, text }: Credentials,
	afterAnswer: Work[],
): Promise<Principal | undefined> {
	if (kind === 'key') return principalOfApiKey(c, text, afterAnswer);
	if (kind === 'token') return principalOfToken(c, text);
	return undefined;
}

async function principalOfApiKey(
	c: Context<AppEnv>,
	key: string,
	afterAnswer: Work[],
): Promise<Principal | undefined> {
	const keyHash = await hashOfKey(key);
	const now = Date.now();
	const rememberSeconds = settingsOf(c.env).KEY_CACHE_SECONDS;
	// Before the look-up: whoever guesses is stopped before D1 has to answer.
	if (!keyHash || rememberSeconds === 0 || !isRememberedAsValid(keyHash, now)) await countAgainstAddress(c);
	if (!keyHash) return undefined;
	const principal = await principalOfKey(keyHash, {
		d1: c.env.DB,
		stats: c.get('queryStats'),
		now,
		rememberSeconds,
		afterAnswer: (work) => afterAnswer.push(work),
	});
	if (principal && rememberSeconds > 0) rememberHash(key, keyHash);
	return principal;
}

async function principalOfToken(c: Context<AppEnv>, token: string): Promise<Principal | undefined> {
	try {
		const verified = await verifyClerkToken(token, settingsOf(c.env), {
			now: Date.now(),
			waitUntil: (work) => c.executionCtx.waitUntil(work),
		});
		if (!('reason' in verified)) return verified;
		log('warn', { message: 'token rejected', requestId: c.get('requestId'), reason: verified.reason });
		return undefined;
	} catch (error) {
		// Such a token may have caused a fetch of the issuer's keys.
		await countAgainstAddress(c);
		throw error;
	}
}
