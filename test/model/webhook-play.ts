import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import type { Bindings } from '../../src/core/settings.ts';
import { runWebhooks } from '../../src/webhooks/run.ts';
import type { CreatedWebhook, Webhook } from '../../src/webhooks/schema.ts';
import type { Caller } from '../support/api.ts';
import { isSignedBy, type Received, receive } from '../support/receiver.ts';
import { NO_QUEUE, WEBHOOKS } from '../support/webhooks.ts';
import type { WebhookStep } from './webhook-steps.ts';
import { MAX_WEBHOOKS, type ModelWebhook, type ModelWebhooks, webhooksOf } from './webhooks.ts';

/** A valid id that does not belong to a webhook. */
const NO_WEBHOOK = 'wh_01k2vxq8f3e7ttyyds0t6w2h4b';
const MAX_STATEMENTS = 10_000;

const sorted = (told: readonly object[]): string[] => told.map((each) => JSON.stringify(each)).sort();

/** The calls on webhooks, and what arrives. `bindings` are those of the databases. */
export function playWebhooks(
	webhooks: ModelWebhooks,
	callers: readonly Caller[],
	bindings: Partial<Bindings>,
): {
	steps: { [K in WebhookStep['do']]: (step: Extract<WebhookStep, { do: K }>) => Promise<void> };
	end(): Promise<void>;
} {
	const secrets = new Map<string, string>();
	const run = crypto.randomUUID();
	const at = (step: { webhook: number }) => webhooks[step.webhook % Math.max(webhooks.length, 1)];
	const isOwn = (webhook: ModelWebhook | undefined, caller: number): webhook is ModelWebhook =>
		webhook?.isAlive === true && webhook.owner === caller;
	const call = <T>(caller: number, method: string, path: string, body?: unknown) =>
		(callers[caller] as Caller).call<T>(method, WEBHOOKS + path, body === undefined ? {} : { body });

	/** Delivers what is owed, and compares each message with the model. */
	async function deliver(): Promise<void> {
		const received = receive();
		// A scheduled run sends what is due, a round for each webhook in turn.
		await runWebhooks({ ...env, ...bindings, ...NO_QUEUE }, Date.now(), MAX_STATEMENTS);
		const own = received.filter(({ url }) => url.includes(run));
		for (const webhook of webhooks) {
			const arrived = own.filter(({ url }) => url === webhook.url);
			const isSent = webhook.isAlive && webhook.isEnabled;
			const expected = isSent ? webhook.owed : [];
			expect(sorted(arrived.map(({ body: { type, data } }) => ({ type, data })))).toEqual(sorted(expected));
			expectIdsOfTheirOwn(arrived);
			for (const message of arrived) expect(isSignedBy(secrets.get(webhook.id) ?? '', message)).toBe(true);
			if (isSent || !webhook.isAlive) webhook.owed = [];
		}
	}

	return {
		steps: {
			async subscribe({ caller, names }) {
				// A host of its own, because a caller has few requests at once to one host.
				const url = `https://w${webhooks.length}.example.com/${run}`;
				const answer = await call<CreatedWebhook>(caller, 'POST', '', { url, events: names });
				if (webhooksOf(webhooks, caller).length === MAX_WEBHOOKS) return expect(answer.status).toBe(403);
				expect([answer.status, answer.json]).toMatchObject([201, { url, events: names, disabled: null }]);
				const { id, secret } = answer.json;
				secrets.set(id, secret);
				webhooks.push({ owner: caller, id, url, names, isAlive: true, isEnabled: true, owed: [] });
			},
			async alter({ caller, enabled, names, ...step }) {
				const webhook = at(step);
				const answer = await call<Webhook>(caller, 'PATCH', `/${webhook?.id ?? NO_WEBHOOK}`, {
					enabled,
					events: names,
				});
				if (!isOwn(webhook, caller)) return expect(answer.status).toBe(404);
				webhook.isEnabled = enabled ?? webhook.isEnabled;
				webhook.names = names ?? webhook.names;
				const { events, disabled } = answer.json;
				expect([events, disabled === null]).toEqual([webhook.names, webhook.isEnabled]);
			},
			async unsubscribe({ caller, ...step }) {
				const webhook = at(step);
				const answer = await call(caller, 'DELETE', `/${webhook?.id ?? NO_WEBHOOK}`);
				if (!isOwn(webhook, caller)) return expect(answer.status).toBe(404);
				expect(answer.status).toBe(200);
				webhook.isAlive = false;
			},
			deliver,
		},
		async end() {
			if (webhooks.length === 0) return;
			await deliver();
			for (const { id, owner, isAlive } of webhooks) if (isAlive) await call(owner, 'DELETE', `/${id}`);
			await deliver();
		},
	};
}

function expectIdsOfTheirOwn(arrived: readonly Received[]): void {
	expect(new Set(arrived.map(({ id }) => id)).size).toBe(arrived.length);
}
