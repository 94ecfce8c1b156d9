import type { Context } from 'hono';
import type { Principal } from '../core/principal.ts';
import type { Bindings } from '../core/settings.ts';
import { type Database, type DatabaseTrace, openDatabase } from '../database/database.ts';

/** The types of Hono's context: what the environment gives and what each middleware leaves for the next. */
export interface AppEnv {
	Bindings: Bindings;
	Variables: {
		requestId: string;
		trace: DatabaseTrace;
		principal: Principal;
		/** Of the body, in lower case and without parameters. */
		mediaType: string | undefined;
		database: Database | undefined;
	};
}

/**
 * The request's database, opened when it is first asked for. A read may be served by a replica that is as recent as
 * the bookmark that the caller sent; a write goes to the primary anyway.
 */
export function requestDatabase(c: Context<AppEnv>): Database {
	const opened = c.get('database');
	if (opened) return opened;
	const bookmark = c.req.method === 'GET' ? c.req.header('X-D1-Bookmark') : undefined;
	const database = openDatabase(c.env.DB, c.get('trace'), bookmark);
	c.set('database', database);
	return database;
}
