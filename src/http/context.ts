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
		/** Resolves when a streamed body ends, successfully or not. Undefined when the body is not streamed. */
		bodyEnd: Promise<void> | undefined;
	};
}
