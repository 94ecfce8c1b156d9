import { Hono } from 'hono';
import * as z from 'zod';
import { countHealthCheck } from './auth/rate-limit.ts';
import { ping } from './database/ping-store.ts';
import type { AppEnv } from './http/context.ts';
import { jsonResponse } from './http/json-response.ts';
import { operation } from './http/operation.ts';

const healthSchema = z
	.object({
		status: z.literal('ok'),
		version: z
			.string()
			.max(64)
			.nullable()
			.meta({ description: 'The id of the deployed version, as `wrangler deployments list` shows it.' }),
	})
	.meta({ id: 'Health' });
type Health = z.infer<typeof healthSchema>;

/** Reports whether the service works. The route is public and costs a round trip to D1, so it has a rate limit. */
export const healthRoutes = new Hono<AppEnv>({ strict: false }).get(
	'/',
	operation({
		id: 'getHealth',
		tag: 'Service',
		summary: 'Whether the service works',
		description: 'Asks the database for each of its tables.',
		usesDatabase: true,
		errors: ['RATE_LIMITED'],
		responses: {
			200: {
				description: 'The database responds, and has the tables of this version.',
				schema: healthSchema,
			},
		},
	}),
	async (c) => {
		await countHealthCheck(c);
		await ping(c.get('databases').main);
		const health: Health = { status: 'ok', version: c.env.VERSION?.id ?? null };
		return jsonResponse<Health, 200>(JSON.stringify(health), 200);
	},
);
