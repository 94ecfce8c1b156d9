import { cors as honoCors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import { settingsOf } from '../core/settings.ts';
import type { AppEnv } from './context.ts';

/** Two hours, the most that Chromium remembers a preflight. */
const MAX_AGE_SECONDS = 7200;

const policy = {
	allowMethods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
	allowHeaders: [
		'Authorization',
		'Content-Type',
		'Idempotency-Key',
		'If-Match',
		'If-None-Match',
		'X-D1-Bookmark',
		'X-Request-Id',
	],
	/** What a page may read beyond the headers that any page may. */
	exposeHeaders: [
		'Allow',
		'ETag',
		'Idempotency-Replayed',
		'Retry-After',
		'WWW-Authenticate',
		'X-D1-Bookmark',
		'X-Request-Id',
	],
	maxAge: MAX_AGE_SECONDS,
};

/**
 * Lets pages of the origins in CORS_ORIGINS read the answers, errors included, and answers every OPTIONS request, for a
 * preflight carries no credentials. Without such origins it does nothing. Cookies are never allowed: a caller
 * authenticates by a header, so that `*` gives no page more than its own key or token does.
 */
export const cors = createMiddleware<AppEnv>(async (c, next) => {
	const origins = settingsOf(c.env).CORS_ORIGINS;
	if (origins.length === 0) return next();
	return honoCors({ ...policy, origin: origins.includes('*') ? '*' : origins })(c, next);
});
