import { createMiddleware } from 'hono/factory';
import type { AppEnv } from './context.ts';

const ACCEPTED = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * Gives each request an id, the caller's own where it sent a fitting one, and each answer the headers that all
 * answers carry. Hono's own request-id does not take a dot.
 */
export const requestId = createMiddleware<AppEnv>(async (c, next) => {
	const sent = c.req.header('X-Request-Id');
	const id = sent !== undefined && ACCEPTED.test(sent) ? sent : crypto.randomUUID();
	c.set('requestId', id);
	await next();
	c.res.headers.set('X-Request-Id', id);
	c.res.headers.set('Cache-Control', 'no-store');
	c.res.headers.set('X-Content-Type-Options', 'nosniff');
});
