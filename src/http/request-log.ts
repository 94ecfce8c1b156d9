import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import { newQueryStats } from '../core/database.ts';
import { log } from '../core/log.ts';
import type { AppEnv } from './context.ts';

/** Writes one line for each request: who called what, how it ended and what it cost. A path is logged as its pattern. */
export const requestLog = createMiddleware<AppEnv>(async (c, next) => {
	const started = Date.now();
	const stats = newQueryStats();
	c.set('queryStats', stats);
	await next();
	const principal = c.get('principal') as AppEnv['Variables']['principal'] | undefined;
	log('info', {
		message: 'request',
		requestId: c.get('requestId'),
		method: c.req.method,
		route: routePath(c, -1),
		status: c.res.status,
		durationMs: Date.now() - started,
		d1Trips: stats.roundTrips,
		d1Ms: stats.milliseconds,
		d1RowsRead: stats.rowsRead,
		d1RowsWritten: stats.rowsWritten,
		userId: principal?.userId ?? null,
		organizationId: principal?.organizationId ?? null,
		keyId: principal?.keyId ?? null,
	});
});
