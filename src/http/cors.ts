import { cors as honoCors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import { settingsOf } from '../core/settings.ts';
import type { AppEnv } from './context.ts';

/** Two hours: Chromium caches a preflight no longer. */
const MAX_AGE_SECONDS = 7200;

const policy = {
	allowMethods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
	allowHeaders: [
		'Authorization',
		'Content-Type',
		'Idempotency-Key',
		'If-Match',
		'If-None-Match',
		'Last-Event-ID',
		'X-D1-Bookmark',
		'X-Request-Id',
	],
	/** The headers that a page may read beyond the CORS-safelisted ones. */
	exposeHeaders: [
		'Allow',
		'ETag',
		'Idempotency-Replayed',
		'Link',
		'Retry-After',
		'WWW-Authenticate',
		'X-D1-Bookmark',
		'X-Request-Id',
	],
	maxAge: MAX_AGE_SECONDS,
};

/**
 * Lets pages of the origins in CORS_ORIGINS read responses, including errors, and answers every OPTIONS request, because a
 * preflight carries no credentials. Without such origins it does nothing. Cookies are never allowed: a caller
 * authenticates by a header, so a page gets no more than the key or token that it holds, even with `*`.
 */
export const cors = createMiddleware<AppEnv>(async (c, next) => {
	const origins = settingsOf(c.env).CORS_ORIGINS;
	if (origins.length === 0) return next();
	return honoCors({ ...policy, origin: origins.includes('*') ? '*' : origins })(c, next);
});
