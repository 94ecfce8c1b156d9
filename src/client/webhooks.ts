/** The second entry of the client package, `…/webhooks`: the calls on webhooks, and the verification of what they send. */
import { Webhook as Verifier } from 'standardwebhooks';
import type { Answered } from './answered.ts';
import type { Client } from './api.ts';
import type { CallOptions } from './options.ts';
import type {
	CreatedWebhook,
	CreateWebhook,
	UpdateWebhook,
	Webhook,
	WebhookDelivery,
	WebhookDeliveryPage,
	WebhookReplay,
	WebhookSecret,
	WebhookTest,
} from './types.ts';

export type {
	CreatedWebhook,
	CreateWebhook,
	UpdateWebhook,
	Webhook,
	WebhookDelivery,
	WebhookDeliveryPage,
	WebhookReplay,
	WebhookSecret,
	WebhookTest,
} from './types.ts';

/** What a message tells. It has no content of the session: read the session for that. */
export interface WebhookMessage {
	/** The name of what has happened, such as `session.status_changed` or `event:plan.ready`. */
	type: string;
	/** When it happened. ISO 8601. */
	timestamp: string;
	data: {
		sessionId: string;
		userId: string;
		organizationId: string | null;
		status: string;
		/** That of the session, to compare with `etagOf`. */
		etag: string;
		/** Only for events. */
		eventId?: string;
		eventType?: string;
	};
}

/** The calls on the webhooks of a caller. They need a key with the permission `WEBHOOKS:*`. */
export interface Webhooks {
	/** Creates a webhook. The response has the secret that signs its messages, and no later one has it. */
	create(webhook: CreateWebhook, options?: CallOptions): Answered<CreatedWebhook>;
	/** Lists the webhooks, oldest first: ten at most. */
	list(options?: CallOptions): Answered<{ data: Webhook[] }>;
	get(id: string, options?: CallOptions): Answered<Webhook>;
	/** Replaces the fields that are given. `enabled: true` enables a webhook that the service has disabled. */
	update(id: string, changes: UpdateWebhook, options?: CallOptions): Answered<Webhook>;
	delete(id: string, options?: CallOptions): Answered<{ success: true }>;
	/** Sends a test message now, and returns how that went. */
	test(id: string, options?: CallOptions): Answered<WebhookTest>;
	/** Makes a new secret. The one before signs too for 24 hours. */
	rotateSecret(id: string, options?: CallOptions): Answered<WebhookSecret>;
	/** Lists what did not arrive on its first try, newest first. `before` is the id of the last delivery of the page before. */
	deliveries(
		id: string,
		options?: CallOptions & { before?: string; limit?: number },
	): Answered<WebhookDeliveryPage>;
	/** Sends one of the deliveries again. */
	retry(id: string, deliveryId: string, options?: CallOptions): Answered<WebhookDelivery>;
	/** Sends all that failed again, as far as it is about what has happened since a time (ISO 8601). */
	replay(id: string, since: string, options?: CallOptions): Answered<WebhookReplay>;
}

const PATH = '/v1/webhooks';
const pathOf = (...parts: string[]) => [PATH, ...parts.map(encodeURIComponent)].join('/');

/**
 * Returns the calls on webhooks, which go through a client.
 *
 * @example
 * const { id, secret } = await webhooksOf(client).create({
 * 	url: 'https://hooks.example.com/sessions',
 * 	events: ['session.status_changed', 'event:input.*'],
 * });
 */
export function webhooksOf(client: Pick<Client, 'request'>): Webhooks {
	return {
		create: (body, options) => client.request('POST', PATH, { ...options, body }),
		list: (options) => client.request('GET', PATH, options),
		get: (id, options) => client.request('GET', pathOf(id), options),
		update: (id, body, options) => client.request('PATCH', pathOf(id), { ...options, body }),
		delete: (id, options) => client.request('DELETE', pathOf(id), options),
		test: (id, options) => client.request('POST', pathOf(id, 'test'), options),
		rotateSecret: (id, options) => client.request('POST', pathOf(id, 'secret'), options),
		deliveries: (id, { before, limit, ...options } = {}) =>
			client.request('GET', pathOf(id, 'deliveries'), { ...options, query: { before, limit } }),
		retry: (id, deliveryId, options) =>
			client.request('POST', pathOf(id, 'deliveries', deliveryId, 'retry'), options),
		replay: (id, since, options) =>
			client.request('POST', pathOf(id, 'replay'), { ...options, body: { since } }),
	};
}

/**
 * Verifies a message, and returns what it tells. `body` is the exact text of the request, and `headers` its headers, by any
 * spelling. Throws when the message was not signed by the secret, or more than five minutes ago.
 *
 * @example
 * const { type, data } = verifyWebhook(secret, await request.text(), request.headers);
 */
export function verifyWebhook(
	secret: string,
	body: string,
	headers:
		| Iterable<readonly [string, string]>
		| Readonly<Record<string, string | readonly string[] | undefined>>,
): WebhookMessage {
	const entries: Iterable<readonly [string, unknown]> =
		Symbol.iterator in headers ? headers : Object.entries(headers);
	const texts = Object.fromEntries(Array.from(entries, ([name, value]) => [name, String(value)]));
	return new Verifier(secret).verify(body, texts) as WebhookMessage;
}
