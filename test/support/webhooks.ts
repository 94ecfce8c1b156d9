import type { CreatedWebhook } from '../../src/webhooks/schema.ts';
import type { Caller } from './api.ts';

export const WEBHOOKS = '/v1/webhooks';
export const PUBLIC_URL = 'https://hooks.example.com/sessions';

/** Creates a webhook, by default for everything that can happen. */
export async function createWebhook(
	caller: Caller,
	body: { url?: string; events?: string[] } = {},
): Promise<CreatedWebhook> {
	const everything = [
		'session.created',
		'session.status_changed',
		'session.deleted',
		'session.expired',
		'event:*',
	];
	const { status, json, text } = await caller.call<CreatedWebhook>('POST', WEBHOOKS, {
		body: { url: PUBLIC_URL, events: everything, ...body },
	});
	if (status !== 201) throw new Error(`${status}: ${text}`);
	return json;
}
