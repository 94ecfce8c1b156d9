import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import { log } from '../core/log.ts';
import { newTrace } from '../database/database.ts';
import type { AppEnv } from './context.ts';

/** Writes one line for each request: who did what, how it ended and what it cost. Paths as patterns: ids are data. */
export const requestLog = createMiddleware<AppEnv>(async (c, next) => {
	const started = Date.now();
	const trace = newTrace();
	c.set('trace', trace);
	await next();
	const principal = c.get('principal') as AppEnv['Variables']['principal'] | undefined;
	log('info', {
		message: 'request',
		requestId: c.get('requestId'),
		method: c.req.method,
		route: routePath(c, -1),
		status: c.res.status,
		durationMs: Date.now() - started,
		d1Trips: trace.trips,
		d1Ms: trace.milliseconds,
		d1RowsRead: trace.rowsRead,
		d1RowsWritten: trace.rowsWritten,
		userId: principal?.userId ?? null,
		organizationId: principal?.organizationId ?? null,
		keyId: principal?.keyId ?? null,
	});
});
