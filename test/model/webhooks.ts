import type { ModelSession } from './model.ts';

/** What a message tells, without its time. */
export interface Told {
	type: string;
	data: Record<string, unknown>;
}

export interface ModelWebhook {
	owner: number;
	id: string;
	url: string;
	names: string[];
	isAlive: boolean;
	isEnabled: boolean;
	/** What has not arrived yet. */
	owed: Told[];
}

/** All webhooks that were ever created, oldest first. */
export type ModelWebhooks = ModelWebhook[];

export const MAX_WEBHOOKS = 10;

export const webhooksOf = (webhooks: ModelWebhooks, owner: number): ModelWebhook[] =>
	webhooks.filter((webhook) => webhook.isAlive && webhook.owner === owner);

const asksFor = ({ names }: ModelWebhook, type: string): boolean =>
	names.some((name) => (name.endsWith('*') ? type.startsWith(name.slice(0, -1)) : name === type));

/** Notes what a change of a session owes to the webhooks of its owner. */
export function owe(
	webhooks: ModelWebhooks,
	{ owner, id, fields, version }: ModelSession,
	type: string,
	eventId?: string,
): void {
	const event = eventId === undefined ? {} : { eventId, eventType: type.slice('event:'.length) };
	const data = {
		sessionId: id,
		userId: fields.get('userId'),
		organizationId: fields.get('organizationId'),
		status: fields.get('status'),
		etag: `"${version}"`,
		...event,
	};
	for (const webhook of webhooksOf(webhooks, owner)) {
		if (webhook.isEnabled && asksFor(webhook, type)) webhook.owed.push({ type, data });
	}
}
