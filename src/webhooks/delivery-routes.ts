import { type Context, Hono } from 'hono';
import { typeid } from 'typeid-js';
import { tooManyRequests } from '../auth/rate-limit.ts';
import type { Owed } from '../core/database.ts';
import { ApiError } from '../core/errors.ts';
import { settingsOf } from '../core/settings.ts';
import { JSON_TYPE, jsonBody } from '../http/body.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonResponse } from '../http/json-response.ts';
import { operation } from '../http/operation.ts';
import { validateQuery } from '../http/validate.ts';
import { type EndpointRow, readEndpoint, webhookNotFound } from './endpoint-store.ts';
import { failuresOf, replay, retry } from './failures.ts';
import { beginRequest } from './hosts.ts';
import { deliveryOf, placeOf } from './json.ts';
import {
	type Delivery,
	type DeliveryPage,
	deliveryIdInPath,
	deliveryPageSchema,
	deliverySchema,
	type Replayed,
	replayedSchema,
	replaySchema,
	TEST_TYPE,
	type Tested,
	testedSchema,
	WEBHOOK_ID,
	webhookDeliveriesQuerySchema,
	webhookIdInPath,
} from './schema.ts';
import { type Receiver, send } from './send.ts';
import { wakeAll } from './wake.ts';

/** When a test may be tried again whose host has as many requests as it may have, in seconds. */
const BUSY_SECONDS = 15;

/** Wakes the delivery to endpoints after the response, if there is a queue. */
export function wakeLater(c: Context<AppEnv>, owed: readonly Owed[]): void {
	const queue = c.env.WEBHOOK_QUEUE;
	if (owed.length > 0 && queue) c.executionCtx.waitUntil(wakeAll(queue, owed));
}

/** The id in the path. Throws NOT_FOUND, without a round trip, for a malformed one. */
export function webhookIdFrom(c: Context<AppEnv>): string {
	const id = c.req.param('webhookId') ?? '';
	if (!WEBHOOK_ID.test(id)) throw webhookNotFound();
	return id;
}

/** Sends a test message once. Throws RATE_LIMITED when its host has as many requests as it may have. */
async function sendTest(
	receiver: Receiver & Pick<EndpointRow, 'id' | 'user_id' | 'organization_id'>,
	allowLoopback: boolean,
): Promise<Tested> {
	const end = await beginRequest(receiver);
	if (!end) throw tooManyRequests(BUSY_SECONDS);
	try {
		const id = `msg_${typeid().toString()}_test`;
		const timestamp = new Date().toISOString();
		const body = JSON.stringify({ type: TEST_TYPE, timestamp, data: { webhookId: receiver.id } });
		const { error = null, status, durationMs } = await send({ id, body }, receiver, { allowLoopback });
		return { delivered: error === null, durationMs, error, id, status };
	} finally {
		end();
	}
}

/** The calls on what a webhook sends, mounted beside those on webhooks. */
export const webhookDeliveryRoutes = new Hono<AppEnv>({ strict: false })
	.post(
		'/:webhookId/test',
		operation({
			id: 'testWebhook',
			tag: 'Webhooks',
			summary: 'Send a test message',
			description: `Sends one message of the type \`${TEST_TYPE}\` now, also to a disabled webhook, and returns how that went. It is tried once.`,
			permission: 'WEBHOOKS:*',
			path: { webhookId: webhookIdInPath },
			errors: ['NOT_FOUND'],
			responses: { 200: { description: 'How the try went.', schema: testedSchema } },
		}),
		async (c) => {
			const row = await readEndpoint(c.get('databases').main, c.get('principal'), webhookIdFrom(c));
			const tested = await sendTest(row, settingsOf(c.env).WEBHOOKS_ALLOW_LOOPBACK);
			return jsonResponse<Tested, 200>(JSON.stringify(tested), 200);
		},
	)

	.get(
		'/:webhookId/deliveries',
		operation({
			id: 'listWebhookDeliveries',
			tag: 'Webhooks',
			summary: 'List what failed',
			description:
				'The messages that did not arrive on their first try, newest first: those that are still tried, and those that are not any more. A message leaves the list when it arrives. One that is not tried any more leaves it seven days after what it tells of.',
			permission: 'WEBHOOKS:*',
			path: { webhookId: webhookIdInPath },
			errors: ['NOT_FOUND'],
			responses: { 200: { description: 'A page of deliveries.', schema: deliveryPageSchema } },
		}),
		validateQuery(webhookDeliveriesQuerySchema),
		async (c) => {
			const { before, limit } = c.req.valid('query');
			const databases = c.get('databases');
			const { id } = await readEndpoint(databases.main, c.get('principal'), webhookIdFrom(c));
			const place = before === undefined ? undefined : placeOf(before);
			const { rows, hasMore } = await failuresOf(databases, id, { before: place, limit });
			const page: DeliveryPage = { data: rows.map(deliveryOf), hasMore };
			return jsonResponse<DeliveryPage, 200>(JSON.stringify(page), 200);
		},
	)

	.post(
		'/:webhookId/deliveries/:deliveryId/retry',
		operation({
			id: 'retryWebhookDelivery',
			tag: 'Webhooks',
			summary: 'Send a message again',
			description:
				'Makes a message of the list due now, with the same `webhook-id`. It is sent soon after, also where the endpoint asked for a longer pause, and to a disabled webhook once that is enabled.',
			permission: 'WEBHOOKS:*',
			path: { webhookId: webhookIdInPath, deliveryId: deliveryIdInPath },
			errors: ['NOT_FOUND'],
			responses: { 202: { description: 'The delivery, which is due.', schema: deliverySchema } },
		}),
		async (c) => {
			const databases = c.get('databases');
			const { id } = await readEndpoint(databases.main, c.get('principal'), webhookIdFrom(c));
			const place = placeOf(c.req.param('deliveryId'));
			const row = place && (await retry(databases, id, place, Date.now()));
			if (!row) throw new ApiError('NOT_FOUND', 'The webhook has no such delivery. It may have arrived.');
			wakeLater(c, [{ database: place.database, endpoint: id }]);
			return jsonResponse<Delivery, 202>(JSON.stringify(deliveryOf(row)), 202);
		},
	)

	.post(
		'/:webhookId/replay',
		operation({
			id: 'replayWebhook',
			tag: 'Webhooks',
			summary: 'Send all that failed again',
			description:
				'Makes the messages of the list due now that are about what has happened since a time. One call makes some 1,000 due in each database.',
			permission: 'WEBHOOKS:*',
			path: { webhookId: webhookIdInPath },
			errors: ['NOT_FOUND'],
			responses: { 202: { description: 'How many messages are due.', schema: replayedSchema } },
		}),
		jsonBody({ [JSON_TYPE]: replaySchema }),
		async (c) => {
			const databases = c.get('databases');
			const { id } = await readEndpoint(databases.main, c.get('principal'), webhookIdFrom(c));
			const since = new Date(c.req.valid('json').since).toISOString();
			const { count, goesOnFrom, dueIn } = await replay(databases, id, { since, now: Date.now() });
			wakeLater(
				c,
				dueIn.map((database) => ({ database, endpoint: id })),
			);
			const replayed: Replayed = { count, goesOnFrom };
			return jsonResponse<Replayed, 202>(JSON.stringify(replayed), 202);
		},
	);
