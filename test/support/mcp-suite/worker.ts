import { Hono } from 'hono';
import { openDatabases } from '../../../src/database/databases.ts';
import type { AppEnv } from '../../../src/http/context.ts';
import { errorResponse } from '../../../src/http/error-response.ts';
import { requestId } from '../../../src/http/request-id.ts';
import { requestLog } from '../../../src/http/request-log.ts';
import { mcpRoutesWith } from '../../../src/mcp/routes.ts';
import { serve } from '../../../src/mcp/transport.ts';
import { suiteServer } from './server.ts';

export { Hub } from '../../../src/following/hub.ts';

/** The Worker for the conformance suite: the service's own way to serve the protocol, with what the suite calls. */
const app = new Hono<AppEnv>({ strict: false })
	.use(requestId, requestLog, async (c, next) => {
		c.set(
			'databases',
			openDatabases(c.env, c.get('queryStats'), () => undefined),
		);
		await next();
	})
	.route(
		'/',
		mcpRoutesWith(async () => ({
			respond: (c, body) => serve(c, body, suiteServer),
			isTool: () => false,
		})),
	)
	.onError(errorResponse);

export default { fetch: app.fetch };
