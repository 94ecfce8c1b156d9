import { Hono } from 'hono';
import { countAgainstAddress } from '../auth/rate-limit.ts';
import { type AppEnv, requestDatabase } from '../http/context.ts';
import { jsonAnswer } from '../http/json-response.ts';
import type { Health } from './schema.ts';
import { ping } from './store.ts';

/** Says whether the service works. Anybody may ask, so the asking is counted by address: each costs a trip. */
export const healthRoutes = new Hono<AppEnv>({ strict: false }).get('/', async (c) => {
	await countAgainstAddress(c);
	await ping(requestDatabase(c));
	return jsonAnswer<Health, 200>('{"status":"ok"}', 200);
});
