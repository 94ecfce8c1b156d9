import type { CreatedWebhook } from '../../src/webhooks/schema.ts';
import { type Caller, newCaller, SESSIONS } from './api.ts';
import { serviceWith } from './faulty-d1.ts';

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

/** Without a queue, a test delivers itself. */
export const NO_QUEUE = { WEBHOOK_QUEUE: undefined as never };

/** A caller with a webhook and a session, which has appended so many events. */
export async function owing(events: number, more: Parameters<typeof createWebhook>[1] = {}) {
	const caller = await newCaller({ fetcher: serviceWith(NO_QUEUE) });
	const webhook = await createWebhook(caller, { events: ['event:*'], ...more });
	const { id } = await caller.create();
	const append = async (count: number) => {
		for (let left = count; left > 0; left -= 100) {
			const some = Array.from({ length: Math.min(left, 100) }, (_, n) => ({ type: `n${n}` }));
			await caller.call('POST', `${SESSIONS}/${id}/steps`, { body: { events: some } });
		}
	};
	await append(events);
	return { caller, webhook, session: id, append };
}
