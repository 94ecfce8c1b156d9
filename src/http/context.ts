import type { Context } from 'hono';
import type { Databases, QueryStats } from '../core/database.ts';
import type { Principal } from '../core/principal.ts';
import type { Bindings } from '../core/settings.ts';

/** The types of Hono's context: the bindings, and the variables that middleware sets. */
export interface AppEnv {
	Bindings: Bindings;
	Variables: {
		requestId: string;
		/** The cost of the request in D1 so far. */
		queryStats: QueryStats;
		/** The databases of this request. The first query to each decides which instance of D1 responds. */
		databases: Databases;
		principal: Principal;
		/** The bytes of the request's body that were read. Undefined when the call reads none. */
		bodyBytes: number | undefined;
		/**
		 * The URL of the protected resource (RFC 9728) that the request is for. OAuth access tokens count only for it.
		 * Undefined elsewhere.
		 */
		resource: string | undefined;
		/** The part of the route that the body names, for the log. Undefined where the path says it all. */
		call: string | undefined;
		/** Counts against the caller's rate limit what the request has cost since it was last counted. Set with `principal`. */
		countCost: () => Promise<void>;
		/** Resolves when a streamed body ends, successfully or not. Undefined when the body is not streamed. */
		bodyEnd: Promise<void> | undefined;
		/** Resolves when the stream of a followed session ends. Undefined for other responses. */
		streamEnd: Promise<void> | undefined;
	};
}

/** The context of a request to the app. */
export type RequestContext = Context<AppEnv>;

/** Resolves when the whole response has been made, and its cost is known. */
export const responseEnd = (c: Context<AppEnv>): Promise<void> =>
	c.get('streamEnd') ?? c.get('bodyEnd') ?? Promise.resolve();
