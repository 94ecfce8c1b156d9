import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { authenticate } from './auth/authenticate.ts';
import { ApiError } from './core/errors.ts';
import { callerKey } from './core/principal.ts';
import { openDatabases } from './database/databases.ts';
import { docsRoutes } from './docs/routes.ts';
import { healthRoutes } from './health.ts';
import type { AppEnv } from './http/context.ts';
import { cors } from './http/cors.ts';
import { discardUnread } from './http/discard.ts';
import { errorResponse } from './http/error-response.ts';
import { requestId } from './http/request-id.ts';
import { requestLog } from './http/request-log.ts';
import { SESSIONS_PATH } from './http/session-path.ts';
import { mcpRoutes } from './mcp/routes.ts';
import { sessionKeyRoutes } from './session-keys/routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { webhookDeliveryRoutes } from './webhooks/delivery-routes.ts';
import { WEBHOOKS_PATH, wakeWebhooks, webhookRoutes } from './webhooks/routes.ts';

/**
 * Gives the request its databases. A read may be served by a replica that is at least as recent as the bookmark that the
 * caller sent; a write goes to the primary anyway. The response says how recent it is.
 */
const databases = createMiddleware<AppEnv>(async (c, next) => {
	const bookmark = c.req.method === 'GET' ? c.req.header('X-D1-Bookmark') : undefined;
	const callerOf = () => {
		const principal = c.get('principal') as AppEnv['Variables']['principal'] | undefined;
		return principal && callerKey(principal);
	};
	const opened = openDatabases(c.env, c.get('queryStats'), callerOf, bookmark);
	c.set('databases', opened);
	await next();
	const reached = opened.bookmark();
	if (reached) c.res.headers.set('X-D1-Bookmark', reached);
});

const app = new Hono<AppEnv>({ strict: false });

app.use(
	requestId,
	requestLog,
	discardUnread,
	cors,
	databases,
	methodNotAllowed<AppEnv>({
		app,
		onMethodNotAllowed: (c, methods) => {
			const allow = methods.join(', ');
			const error = new ApiError('METHOD_NOT_ALLOWED', `This path supports: ${allow}.`, {
				headers: { Allow: allow },
			});
			return errorResponse(error, c);
		},
	}),
);
app.use(`${SESSIONS_PATH}/*`, authenticate, wakeWebhooks);
app.use(`${WEBHOOKS_PATH}/*`, authenticate);

app.route('/', sessionRoutes).route(`${SESSIONS_PATH}/:id/keys`, sessionKeyRoutes);
app.route('/', mcpRoutes);
app.route(WEBHOOKS_PATH, webhookRoutes).route(WEBHOOKS_PATH, webhookDeliveryRoutes);
app.route('/healthz', healthRoutes).route('/', docsRoutes);

// It returns the response: methodNotAllowed takes no notice of what was thrown.
app.notFound((c) => errorResponse(new ApiError('NOT_FOUND', 'There is nothing at this path.'), c));
app.onError(errorResponse);

export { app };
