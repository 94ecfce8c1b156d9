import { createMiddleware } from 'hono/factory';
import type { AppEnv } from './context.ts';

/** A request id that a caller may choose. */
export const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * Gives each request an id, the caller's own if it is valid, and sets the headers of all responses. Hono's request-id
 * middleware does not accept a dot.
 */
export const requestId = createMiddleware<AppEnv>(async (c, next) => {
	const sent = c.req.header('X-Request-Id');
	const id = sent !== undefined && REQUEST_ID.test(sent) ? sent : crypto.randomUUID();
	c.set('requestId', id);
	await next();
	c.res.headers.set('X-Request-Id', id);
	// Cloudflare's edge sends its own. The local server would send none, and a page needs the service's time.
	c.res.headers.set('Date', new Date().toUTCString());
	// Streams and static files have their own.
	if (!c.res.headers.has('Cache-Control')) c.res.headers.set('Cache-Control', 'no-store');
	c.res.headers.set('X-Content-Type-Options', 'nosniff');
});
