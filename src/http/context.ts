import type { Database, QueryStats } from '../core/database.ts';
import type { Principal } from '../core/principal.ts';
import type { Bindings } from '../core/settings.ts';

/** The types of Hono's context: what the environment gives and what each middleware leaves for the next. */
export interface AppEnv {
	Bindings: Bindings;
	Variables: {
		requestId: string;
		/** What the request has cost in D1 so far. */
		queryStats: QueryStats;
		/** Opened for this request; its first query decides which instance of D1 answers. */
		database: Database;
		principal: Principal;
		/** Resolves when a body that is streamed has ended, in whatever way. Absent when no body is. */
		bodyEnd: Promise<void> | undefined;
	};
}
