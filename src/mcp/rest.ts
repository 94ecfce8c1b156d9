import { type Context, Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../http/context.ts';
import { SESSIONS_PATH } from '../http/session-path.ts';
import { sessionRoutes } from '../session-routes.ts';

/** A call of the REST API. */
interface RestCall {
	method: 'GET' | 'POST' | 'PATCH';
	/** Below the path of sessions, each segment unescaped. */
	path?: readonly string[];
	query?: Readonly<Record<string, string | undefined>>;
	headers?: Readonly<Record<string, string | undefined>>;
	/** A value that is sent as JSON. */
	body?: unknown;
	/** The media type of the body, if it is not plain JSON. */
	mediaType?: string;
}

/**
 * Calls the REST API for the caller of a request, and returns the body of the response with its ETag. Throws what the call
 * throws.
 */
export type Rest = <T>(call: RestCall) => Promise<{ json: T; etag: string }>;

/** The requests that `restFor` has made, each with the context of the request that it serves. */
const servedBy = new WeakMap<Request, Context<AppEnv>>();

/**
 * Takes over who calls and what it has cost so far, in place of the middleware that did so for the request that is served.
 */
const adopt = createMiddleware<AppEnv>(async (c, next) => {
	const served = servedBy.get(c.req.raw);
	if (!served) throw new TypeError('This app serves only the requests of restFor.');
	for (const name of ['requestId', 'queryStats', 'databases', 'principal', 'countCost'] as const) {
		c.set(name, served.get(name));
	}
	return next();
});

const app = new Hono<AppEnv>({ strict: false })
	.use(adopt)
	.route('/', sessionRoutes)
	.onError((error) => {
		throw error;
	});

/**
 * Returns a function that calls the routes of the REST API within this request, without a network. So permissions,
 * validation, idempotency and the notice to followers are those of the routes. The caller is the one of `c`, is not
 * authenticated again, and is not counted again: what a call costs in D1 adds to the cost of the request.
 */
export function restFor(c: Context<AppEnv>): Rest {
	return async ({ method, path = [], query = {}, headers = {}, body, mediaType = 'application/json' }) => {
		const url = new URL(c.req.url);
		url.pathname = [SESSIONS_PATH, ...path.map(encodeURIComponent)].join('/');
		url.search = new URLSearchParams(present(query)).toString();
		const request = new Request(url, {
			method,
			headers: { ...present(headers), ...(body === undefined ? {} : { 'Content-Type': mediaType }) },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
			// A new session is stored near its caller.
			cf: (c.req.raw.cf ?? {}) as RequestInitCfProperties,
		});
		servedBy.set(request, c);
		const response = await app.fetch(request, c.env, c.executionCtx);
		return { json: await response.json(), etag: response.headers.get('ETag') ?? '' };
	};
}

const present = (values: Readonly<Record<string, string | undefined>>): Record<string, string> =>
	Object.fromEntries(
		Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
	);
