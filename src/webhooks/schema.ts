import * as z from 'zod';
import { count, plainLine, timestamp, wholeNumberQuery } from '../core/fields.ts';
import { limits } from '../core/limits.ts';
import { refusal } from '../core/problems.ts';
import { sessionIdSchema } from '../core/session-reference.ts';
import { MAX_URL } from './address.ts';

/** The most endpoints of one caller, and the most names of one endpoint. */
export const MAX_ENDPOINTS = 10;
const MAX_NAMES = 20;
const MAX_IN_PAGE = 100;

/** What a message can be about, apart from events. */
const sessionNames = [
	'session.created',
	'session.status_changed',
	'session.deleted',
	'session.expired',
] as const;
export type SessionName = (typeof sessionNames)[number];
/** Before the type of an event. */
export const EVENT_PREFIX = 'event:';
/** The type of the message that a test sends. */
export const TEST_TYPE = 'webhook.test';

const isKnownName = (text: string): boolean =>
	sessionNames.some((name) => name === text) || /^event:(?:[^*]+\*?|\*)$/.test(text);

/** `wh_` and a TypeID suffix. */
export const WEBHOOK_ID = /^wh_[0-7][0-9a-hjkmnp-tv-z]{25}$/;
/** `msg_`, the suffix of the session's id, and what has happened to it. */
const MESSAGE_ID = /^msg_[0-7][0-9a-hjkmnp-tv-z]{25}_(?:e\d{10}|v\d{1,16}|deleted|expired|test)$/;
/** `dlv_`, when it happened in epoch milliseconds, and the id of the message without its prefix. */
export const DELIVERY_ID =
	/^dlv_(\d{13})_([0-7][0-9a-hjkmnp-tv-z]{25}_(?:e\d{10}|v\d{1,16}|deleted|expired))$/;
const deliveryIdSchema = z.string().max(70).regex(DELIVERY_ID, { error: 'must be the id of a delivery' });
const webhookIdSchema = z.string().max(29).regex(WEBHOOK_ID);
export const webhookIdInPath = webhookIdSchema.meta({
	description: 'The id of a webhook.',
	param: { id: 'WebhookId' },
});
export const deliveryIdInPath = deliveryIdSchema.meta({
	description: 'The id of a delivery.',
	param: { id: 'DeliveryId' },
});
const messageIdSchema = z.string().max(60).regex(MESSAGE_ID);

const url = plainLine(MAX_URL, 1).meta({
	description:
		'Where messages go: `https`, a public address, no user, no fragment. The service answers it as URL parsers write it.',
});
const names = z
	.array(
		plainLine(limits.name + EVENT_PREFIX.length).refine(
			isKnownName,
			refusal(
				'INVALID_ENUM',
				'is not the name of anything that happens',
				`Use ${sessionNames.join(', ')}, or event: with the type of an event, which may end in *.`,
			),
		),
	)
	.min(1)
	.max(MAX_NAMES)
	.meta({
		description: `What to send: ${sessionNames.map((name) => `\`${name}\``).join(', ')}, and \`event:\` with the type of an event. \`event:input.*\` is every type that begins with \`input.\`, and \`event:*\` every event.`,
	});

const example = {
	createdAt: '2026-01-15T09:30:00.000Z',
	disabled: null,
	events: ['session.status_changed', 'event:input.*'],
	id: 'wh_01k2vxq8f3e7ttyyds0t6w2h4d',
	previousSecretUntil: null,
	updatedAt: '2026-01-15T09:30:00.000Z',
	url: 'https://hooks.example.com/sessions',
};
const secret = `whsec_${'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='}`;

export const createWebhookSchema = z
	.object({ url, events: names })
	.meta({ id: 'CreateWebhook', examples: [{ url: example.url, events: example.events }] });

export const updateWebhookSchema = z
	.object({
		url: url.optional(),
		events: names.optional(),
		enabled: z.boolean().optional().meta({ description: 'Whether messages are owed and sent.' }),
	})
	.meta({ id: 'UpdateWebhook', examples: [{ enabled: true }] });

const disabledCodes = ['REQUESTED', 'GONE', 'FAILING'] as const;
export type DisabledCode = (typeof disabledCodes)[number];

/** A webhook on the wire. */
export const webhookSchema = z
	.object({
		createdAt: timestamp,
		disabled: z
			.object({
				at: timestamp,
				code: z.enum(disabledCodes).meta({
					description:
						'Stable; for programs. `REQUESTED`: by an update. `GONE`: the endpoint answered 410. `FAILING`: messages fail for days, or too many wait; `reason` says which.',
				}),
				reason: z.string().max(limits.name).meta({ description: 'A sentence for people.' }),
			})
			.nullable()
			.meta({ description: 'Why nothing is sent. `null`: the webhook is enabled.' }),
		events: z.array(z.string().max(limits.name + EVENT_PREFIX.length)).max(MAX_NAMES),
		id: webhookIdSchema,
		previousSecretUntil: timestamp.nullable().meta({
			description:
				'Until when the secret before the present one signs too. After that time, and with `null`, one secret signs.',
		}),
		updatedAt: timestamp,
		url: z.string().max(MAX_URL),
	})
	.meta({ id: 'Webhook', examples: [example] });
export type Webhook = z.infer<typeof webhookSchema>;

const secretSchema = z
	.string()
	.max(60)
	.regex(/^whsec_[A-Za-z0-9+/]+=*$/)
	.meta({ description: 'Signs each message. No later response contains it.' });

export const createdWebhookSchema = webhookSchema
	.extend({ secret: secretSchema })
	.meta({ id: 'CreatedWebhook', examples: [{ ...example, secret }] });
export type CreatedWebhook = z.infer<typeof createdWebhookSchema>;

export const webhookListSchema = z
	.object({ data: z.array(webhookSchema).max(MAX_ENDPOINTS) })
	.meta({ id: 'WebhookList' });
export type WebhookList = z.infer<typeof webhookListSchema>;

export const deletedWebhookSchema = z.object({ success: z.literal(true) }).meta({ id: 'WebhookDeleted' });

export const rotatedSchema = z
	.object({
		previousSecretUntil: timestamp.meta({ description: 'Until when the secret before signs too.' }),
		secret: secretSchema,
	})
	.meta({ id: 'WebhookSecret', examples: [{ previousSecretUntil: '2026-01-16T09:30:00.000Z', secret }] });
export type Rotated = z.infer<typeof rotatedSchema>;

export const webhookDeliveriesQuerySchema = z.object({
	before: deliveryIdSchema.optional().meta({ description: 'The last delivery that the caller has.' }),
	limit: wholeNumberQuery(1, MAX_IN_PAGE, 20, 'The maximum number of deliveries on the page.'),
});

/** How a try failed. */
const failures = ['STATUS', 'REDIRECT', 'TIMEOUT', 'CONNECTION', 'REFUSED_ADDRESS'] as const;
export type Failure = (typeof failures)[number];

/** A message that did not arrive on its first try, on the wire. */
export const deliverySchema = z
	.object({
		createdAt: timestamp.meta({ description: 'When it happened.' }),
		eventId: z.string().max(34).nullable(),
		id: deliveryIdSchema,
		lastError: z.enum(failures).nullable().meta({
			description:
				'Stable; for programs. `STATUS`: another status than 2xx. `REDIRECT`: a redirect, which is not followed. `TIMEOUT`: no answer in 15 s. `CONNECTION`: no connection. `REFUSED_ADDRESS`: the service sends nothing to the address.',
		}),
		lastStatus: z.int().min(100).max(999).meta({ format: 'int32' }).nullable(),
		lastTryAt: timestamp.nullable(),
		messageId: messageIdSchema.meta({ description: 'The `webhook-id` of the message.' }),
		nextTryAt: timestamp.nullable().meta({ description: '`null`: there is no further try.' }),
		sessionId: sessionIdSchema,
		tries: count.meta({ description: 'The tries that failed.' }),
		type: z.string().max(limits.name + EVENT_PREFIX.length),
	})
	.meta({
		id: 'WebhookDelivery',
		examples: [
			{
				createdAt: example.createdAt,
				eventId: null,
				id: 'dlv_1768469400000_01k2vxq8f3e7ttyyds0t6w2h4b_v7',
				lastError: 'STATUS',
				lastStatus: 500,
				lastTryAt: '2026-01-15T09:30:05.000Z',
				messageId: 'msg_01k2vxq8f3e7ttyyds0t6w2h4b_v7',
				nextTryAt: '2026-01-15T09:35:07.000Z',
				sessionId: 'sess_01k2vxq8f3e7ttyyds0t6w2h4b',
				tries: 2,
				type: 'session.status_changed',
			},
		],
	});
export type Delivery = z.infer<typeof deliverySchema>;

export const deliveryPageSchema = z
	.object({
		data: z.array(deliverySchema).max(MAX_IN_PAGE),
		hasMore: z.boolean().meta({ description: 'Whether there are deliveries after this page.' }),
	})
	.meta({ id: 'WebhookDeliveryPage' });
export type DeliveryPage = z.infer<typeof deliveryPageSchema>;

export const testedSchema = z
	.object({
		delivered: z.boolean().meta({ description: 'Whether the endpoint answered with a 2xx.' }),
		durationMs: count,
		error: z.enum(failures).nullable(),
		id: messageIdSchema.meta({ description: 'The `webhook-id` of the message.' }),
		status: z.int().min(100).max(999).meta({ format: 'int32' }).nullable(),
	})
	.meta({ id: 'WebhookTest' });
export type Tested = z.infer<typeof testedSchema>;

export const replaySchema = z
	.object({
		since: z.iso
			.datetime({ error: 'must be a time in UTC, like 2026-01-15T09:30:00Z' })
			.max(40)
			.meta({ description: 'Messages about what has happened from this time on.' }),
	})
	.meta({ id: 'ReplayWebhook', examples: [{ since: example.createdAt }] });

export const replayedSchema = z
	.object({
		count: count.meta({ description: 'The messages that are sent again.' }),
		goesOnFrom: timestamp
			.nullable()
			.meta({ description: 'If there is more to send, the `since` of the next call; otherwise `null`.' }),
	})
	.meta({ id: 'WebhookReplay' });
export type Replayed = z.infer<typeof replayedSchema>;
