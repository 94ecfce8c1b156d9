import { type Context, Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { typeid } from 'typeid-js';
import { validationError } from '../core/errors.ts';
import { settingsOf } from '../core/settings.ts';
import { JSON_TYPE, jsonBody } from '../http/body.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonResponse } from '../http/json-response.ts';
import { operation } from '../http/operation.ts';
import { refusalOf } from './address.ts';
import { wakeLater, webhookIdFrom } from './delivery-routes.ts';
import {
	insertEndpoint,
	listEndpoints,
	readEndpoint,
	rotateSecret,
	updateEndpoint,
} from './endpoint-store.ts';
import { copyToOthers, deleteEverywhere, newSecret } from './endpoints.ts';
import { webhookOf } from './json.ts';
import {
	type CreatedWebhook,
	createdWebhookSchema,
	createWebhookSchema,
	deletedWebhookSchema,
	MAX_ENDPOINTS,
	type Rotated,
	rotatedSchema,
	updateWebhookSchema,
	type Webhook,
	type WebhookList,
	webhookIdInPath,
	webhookListSchema,
	webhookSchema,
} from './schema.ts';

/** The base path of the calls on webhooks. */
export const WEBHOOKS_PATH = '/v1/webhooks';
/** How long the secret before signs too. */
const OVERLAP_MS = 86_400_000;

/** Wakes the delivery to the webhooks that a request owes messages, after its response. */
export const wakeWebhooks = createMiddleware<AppEnv>(async (c, next) => {
	await next();
	wakeLater(c, c.get('databases').owed());
});

/** Returns a URL as it is stored. Throws VALIDATION_ERROR for one that the service sends nothing to. */
function checkedUrl(c: Context<AppEnv>, url: string): string {
	const refusal = refusalOf(url, settingsOf(c.env).WEBHOOKS_ALLOW_LOOPBACK);
	if (refusal) throw validationError([{ path: 'url', ...refusal }]);
	return new URL(url).href;
}

const namesText = (names: readonly string[]): string => JSON.stringify([...new Set(names)]);

const ALL_DATABASES =
	'After a failure the service completes the change within ten minutes, so look at the webhook before you try again.';

/** The calls on webhooks. */
export const webhookRoutes = new Hono<AppEnv>({ strict: false })
	.post(
		'/',
		operation({
			id: 'createWebhook',
			tag: 'Webhooks',
			summary: 'Create a webhook',
			description: `From now on, each change of the caller’s sessions that \`events\` names is sent to \`url\` as a signed message, by the Standard Webhooks specification. A caller may have ${MAX_ENDPOINTS} webhooks. ${ALL_DATABASES}`,
			permission: 'WEBHOOKS:*',
			errors: ['QUOTA_EXCEEDED'],
			responses: {
				201: { description: 'The webhook, with the secret that signs.', schema: createdWebhookSchema },
			},
		}),
		jsonBody({ [JSON_TYPE]: createWebhookSchema }),
		async (c) => {
			const { url, events } = c.req.valid('json');
			const databases = c.get('databases');
			const endpoint = {
				id: typeid('wh').toString(),
				owner: c.get('principal'),
				url: checkedUrl(c, url),
				names: namesText(events),
				secret: newSecret(),
				now: new Date().toISOString(),
			};
			const row = await insertEndpoint(databases.main, endpoint);
			await copyToOthers(databases, row);
			const created: CreatedWebhook = { ...webhookOf(row), secret: row.secret };
			return jsonResponse<CreatedWebhook, 201>(JSON.stringify(created), 201);
		},
	)

	.get(
		'/',
		operation({
			id: 'listWebhooks',
			tag: 'Webhooks',
			summary: 'List webhooks',
			description: 'The caller’s own webhooks, oldest first.',
			permission: 'WEBHOOKS:*',
			responses: { 200: { description: 'The webhooks.', schema: webhookListSchema } },
		}),
		async (c) => {
			const rows = await listEndpoints(c.get('databases').main, c.get('principal'));
			const list: WebhookList = { data: rows.map(webhookOf) };
			return jsonResponse<WebhookList, 200>(JSON.stringify(list), 200);
		},
	)

	.get(
		'/:webhookId',
		operation({
			id: 'getWebhook',
			tag: 'Webhooks',
			summary: 'Read a webhook',
			description: 'Says too why nothing is sent, if the webhook is disabled.',
			permission: 'WEBHOOKS:*',
			path: { webhookId: webhookIdInPath },
			errors: ['NOT_FOUND'],
			responses: { 200: { description: 'The webhook.', schema: webhookSchema } },
		}),
		async (c) => {
			const row = await readEndpoint(c.get('databases').main, c.get('principal'), webhookIdFrom(c));
			return jsonResponse<Webhook, 200>(JSON.stringify(webhookOf(row)), 200);
		},
	)

	.patch(
		'/:webhookId',
		operation({
			id: 'updateWebhook',
			tag: 'Webhooks',
			summary: 'Update a webhook',
			description: `Replaces the fields in the body, and ends a pause. While a webhook is disabled, nothing is owed to it. What was owed before waits until it is enabled, seven days at most. ${ALL_DATABASES}`,
			permission: 'WEBHOOKS:*',
			path: { webhookId: webhookIdInPath },
			errors: ['NOT_FOUND'],
			responses: { 200: { description: 'The updated webhook.', schema: webhookSchema } },
		}),
		jsonBody({ [JSON_TYPE]: updateWebhookSchema }),
		async (c) => {
			const { url, events, enabled } = c.req.valid('json');
			const id = webhookIdFrom(c);
			const databases = c.get('databases');
			const changes = {
				url: url === undefined ? undefined : checkedUrl(c, url),
				names: events === undefined ? undefined : namesText(events),
				enabled,
			};
			const isEmpty = Object.values(changes).every((value) => value === undefined);
			const owner = c.get('principal');
			if (isEmpty) {
				const row = await readEndpoint(databases.main, owner, id);
				return jsonResponse<Webhook, 200>(JSON.stringify(webhookOf(row)), 200);
			}
			const row = await updateEndpoint(databases.main, owner, id, changes, new Date().toISOString());
			await copyToOthers(databases, row);
			// What was owed before may have waited, in any database: until it is enabled, or for the end of a pause.
			if (row.disabled_at === null)
				wakeLater(
					c,
					databases.numbers.map((database) => ({ database, endpoint: id })),
				);
			return jsonResponse<Webhook, 200>(JSON.stringify(webhookOf(row)), 200);
		},
	)

	.delete(
		'/:webhookId',
		operation({
			id: 'deleteWebhook',
			tag: 'Webhooks',
			summary: 'Delete a webhook',
			description: 'Messages that have not arrived yet are not sent any more.',
			permission: 'WEBHOOKS:*',
			path: { webhookId: webhookIdInPath },
			errors: ['NOT_FOUND'],
			responses: { 200: { description: 'The webhook is deleted.', schema: deletedWebhookSchema } },
		}),
		async (c) => {
			const databases = c.get('databases');
			const owner = c.get('principal');
			const row = await readEndpoint(databases.main, owner, webhookIdFrom(c));
			await deleteEverywhere(databases, owner, row);
			return jsonResponse<{ success: true }, 200>('{"success":true}', 200);
		},
	)

	.post(
		'/:webhookId/secret',
		operation({
			id: 'rotateWebhookSecret',
			tag: 'Webhooks',
			summary: 'Make a new secret',
			description: `Makes a new secret. For 24 hours each message has two signatures, also one by the secret before, so that receivers can change over. ${ALL_DATABASES}`,
			permission: 'WEBHOOKS:*',
			path: { webhookId: webhookIdInPath },
			errors: ['NOT_FOUND'],
			responses: { 201: { description: 'The new secret.', schema: rotatedSchema } },
		}),
		async (c) => {
			const databases = c.get('databases');
			const now = Date.now();
			const secret = newSecret();
			const previousSecretUntil = new Date(now + OVERLAP_MS).toISOString();
			const row = await rotateSecret(databases.main, c.get('principal'), webhookIdFrom(c), {
				secret,
				previousUntil: previousSecretUntil,
				now: new Date(now).toISOString(),
			});
			await copyToOthers(databases, row);
			const rotated: Rotated = { previousSecretUntil, secret };
			return jsonResponse<Rotated, 201>(JSON.stringify(rotated), 201);
		},
	);
