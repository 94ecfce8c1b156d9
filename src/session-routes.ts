import { Hono } from 'hono';
import { eventRoutes } from './events/routes.ts';
import { versionRoutes } from './history/routes.ts';
import type { AppEnv } from './http/context.ts';
import { SESSIONS_PATH } from './http/session-path.ts';
import { changeableColumns } from './sessions/fields.ts';
import { snapshots } from './sessions/live-state.ts';
import { sessionReadRoutes } from './sessions/read-routes.ts';
import { statusSchema } from './sessions/schema.ts';
import { sessionWriteRoutes } from './sessions/write-routes.ts';
import { stepRoutes } from './steps/routes.ts';

/** The calls on sessions that programs and agents have alike: all but those on keys. */
export const sessionRoutes = new Hono<AppEnv>({ strict: false })
	.route(SESSIONS_PATH, sessionReadRoutes)
	.route(SESSIONS_PATH, sessionWriteRoutes)
	.route(`${SESSIONS_PATH}/:id/events`, eventRoutes(snapshots))
	.route(`${SESSIONS_PATH}/:id/steps`, stepRoutes)
	.route(`${SESSIONS_PATH}/:id/versions`, versionRoutes({ statusSchema, columnOf: changeableColumns }));
