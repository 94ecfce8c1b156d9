import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../context.ts';
import { settingsOf } from '../env.ts';
import { ApiError } from '../http/errors.ts';
import { log } from '../http/log.ts';
import { apiKeyHash } from './api-key-format.ts';
import { isRemembered, principalOfKey } from './api-keys.ts';
import { verifyClerkToken } from './clerk.ts';
import { mayDo, type NeededPermission, type Principal } from './principal.ts';
import { countAgainstAddress, refuseWhenTooMany } from './rate-limit.ts';

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
 * Throws UNAUTHORIZED, RATE_LIMITED. Failed attempts, and keys that must be looked up, count against the network address.
 */
export const authenticate = createMiddleware<AppEnv>(async (c, next) => {
	const credentials = credentialsOf(c.req.header('Authorization'));
	const principal = credentials && (await principalOf(c, credentials));
	if (!principal) {
		if (credentials?.kind !== 'key') await countAgainstAddress(c);
		throw unauthorized(credentials !== undefined);
	}
	c.set('principal', principal);
	await refuseWhenTooMany(c.env.RATE_LIMITER, `caller:${principal.userId}:${principal.organizationId ?? ''}`);
	return next();
});

/** Lets only callers through that have the permission. Throws FORBIDDEN. */
export const needs = (permission: NeededPermission) =>
	createMiddleware<AppEnv>(async (c, next) => {
		if (!mayDo(c.get('principal'), permission)) {
			throw new ApiError('FORBIDDEN', `This call needs the permission ${permission}.`);
		}
		return next();
	});

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

async function principalOf(c: Context<AppEnv>, { kind, text }: Credentials): Promise<Principal | undefined> {
	if (kind === 'neither') return undefined;
	if (kind === 'token') {
		const verified = await verifyClerkToken(text, settingsOf(c.env), Date.now());
		if (!('refused' in verified)) return verified;
		log('warn', { message: 'token refused', requestId: c.get('requestId'), reason: verified.refused });
		return undefined;
	}
	const keyHash = await apiKeyHash(text);
	const now = Date.now();
	// Before the look-up: whoever guesses is stopped before D1 has to answer.
	if (!keyHash || !isRemembered(keyHash, now)) await countAgainstAddress(c);
	if (!keyHash) return undefined;
	return principalOfKey(keyHash, {
		d1: c.env.DB,
		trace: c.get('trace'),
		now,
		rememberSeconds: settingsOf(c.env).KEY_CACHE_SECONDS,
		afterAnswer: (work) => c.executionCtx.waitUntil(work),
	});
}
