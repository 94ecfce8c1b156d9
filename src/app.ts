import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { authenticate } from './auth/authenticate.ts';
import { ApiError } from './core/errors.ts';
import { SESSIONS_PATH } from './core/session-reference.ts';
import { docsRoutes } from './docs/routes.ts';
import { eventRoutes } from './events/routes.ts';
import { healthRoutes } from './health/routes.ts';
import type { AppEnv } from './http/context.ts';
import { cors } from './http/cors.ts';
import { answerError } from './http/error-response.ts';
import { onlyMethods } from './http/methods.ts';
import { requestId } from './http/request-id.ts';
import { requestLog } from './http/request-log.ts';
import { sessionRoutes } from './sessions/routes.ts';

/** Tells the caller how recent the answer is, so that a later read can ask for at least that. */
const bookmark = createMiddleware<AppEnv>(async (c, next) => {
	await next();
	const reached = c.get('database')?.bookmark();
	if (reached) c.res.headers.set('X-D1-Bookmark', reached);
});

const app = new Hono<AppEnv>({ strict: false });

app.use(requestId, requestLog, cors, bookmark);
app.use(`${SESSIONS_PATH}/*`, authenticate);

const routes = app.route(SESSIONS_PATH, sessionRoutes).route(`${SESSIONS_PATH}/:id/events`, eventRoutes);

app.route('/healthz', healthRoutes).route('/', docsRoutes);

app.all(SESSIONS_PATH, onlyMethods('GET', 'POST'));
app.all(`${SESSIONS_PATH}/:id`, onlyMethods('GET', 'PATCH', 'DELETE'));
app.all(`${SESSIONS_PATH}/:id/events`, onlyMethods('GET', 'POST'));
for (const path of [
	'/',
	'/healthz',
	'/openapi.json',
	'/docs',
	'/docs/:file',
	'/llms.txt',
	'/llms-full.txt',
]) {
	app.all(path, onlyMethods('GET'));
}

app.notFound(() => {
	throw new ApiError('NOT_FOUND', 'There is nothing at this path.');
});
app.onError(answerError);

export { app };
/** For `hono/client`: `hc<Api>(baseUrl)`. */
export type Api = typeof routes;
