import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import { newQueryStats } from '../core/database.ts';
import { log } from '../core/log.ts';
import { type AppEnv, responseEnd } from './context.ts';
import { writeUsage } from './usage.ts';

/**
 * Writes one line for each request, with its caller, call, outcome and cost, and the deployed version. A path is logged as
 * its route pattern. The line of a streamed response is written when its body ends, and includes the cost of the reads until
 * then. Where a dataset is bound, each request is also a data point of its usage; that of a followed session is written when its
 * stream ends.
 */
export const requestLog = createMiddleware<AppEnv>(async (c, next) => {
	const started = Date.now();
	const stats = newQueryStats();
	c.set('queryStats', stats);
	await next();
	const principal = c.get('principal') as AppEnv['Variables']['principal'] | undefined;
	const { status } = c.res;
	const call = c.get('call');
	const route = call === undefined ? routePath(c, -1) : `${routePath(c, -1)} ${call}`;
	const request = () => ({
		method: c.req.method,
		route,
		status,
		durationMs: Date.now() - started,
		d1Trips: stats.roundTrips,
		d1Ms: stats.milliseconds,
		d1RowsRead: stats.rowsRead,
		d1RowsWritten: stats.rowsWritten,
		userId: principal?.userId ?? null,
		organizationId: principal?.organizationId ?? null,
		keyId: principal?.keyId ?? null,
	});
	// The first digits tell versions apart, and a line is paid for by its length.
	const version = c.env.VERSION?.id.slice(0, 8) ?? null;
	const write = () =>
		log('info', { message: 'request', requestId: c.get('requestId'), ...request(), version });
	const bodyEnd = c.get('bodyEnd');
	if (bodyEnd) void bodyEnd.then(write);
	else write();
	void responseEnd(c).then(() =>
		writeUsage(c.env.USAGE, { ...request(), bytes: (c.get('bodyBytes') ?? 0) + stats.bytesRead }),
	);
});
