import { cors as honoCors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import { settingsOf } from '../core/settings.ts';
import type { AppEnv } from './context.ts';

/** Two hours, the maximum in Chromium. */
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
		// The Model Context Protocol names the version, the method and the tool of a request.
		'MCP-Protocol-Version',
		'Mcp-Method',
		'Mcp-Name',
		'X-D1-Bookmark',
		'X-Request-Id',
		// The client package names itself here, because a page cannot choose its User-Agent.
		'X-User-Agent',
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
 * Lets pages of the origins in CORS_ORIGINS read responses, including errors, and responds to every OPTIONS request,
 * because a preflight has no credentials. Without such origins it does nothing. It never allows cookies: a caller
 * authenticates by a header, so even `*` gives a page no more than its own key or token.
 */
export const cors = createMiddleware<AppEnv>(async (c, next) => {
	const origins = settingsOf(c.env).CORS_ORIGINS;
	if (origins.length === 0) return next();
	return honoCors({ ...policy, origin: origins.includes('*') ? '*' : origins })(c, next);
});
