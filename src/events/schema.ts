import * as z from 'zod';
import { ownerId, plainLine, plainString, timestamp, wholeNumberQuery } from '../core/fields.ts';
import { limits } from '../core/limits.ts';
import { sessionIdSchema } from '../core/session-reference.ts';
import { jsonObject, jsonObjectMeta, sentObject } from '../json/schema.ts';

/** The example in the OpenAPI document. */
export const example = {
	createdAt: '2026-01-15T09:31:12.250Z',
	id: 'evt_0000000001c0ffee254a7b6c1d9e38',
	message: 'The plan has three steps.',
	organizationId: 'org_2f8kq',
	payload: { steps: 3 },
	sessionId: 'sess_01k2vxq8f3e7ttyyds0t6w2h4b',
	stage: 'planning',
	type: 'plan.ready',
	userId: 'user_2f8kp',
};

/** `evt_`, the event's position in its session in ten digits, and 20 random hex digits. */
export const EVENT_ID = /^evt_(\d{10})[0-9a-f]{20}$/;
const EVENT_ID_LENGTH = 34;
const MAX_IN_PAGE = 1000;

const payloadMeta = { ...jsonObjectMeta, description: 'The data of the event.' };

/** An event on the wire: 9 fields, all always present and in this order. */
export const eventSchema = z
	.object({
		createdAt: timestamp,
		id: z.string().max(EVENT_ID_LENGTH).regex(EVENT_ID),
		message: z.string().max(limits.message).nullable(),
		organizationId: ownerId.nullable(),
		payload: jsonObject.meta(payloadMeta),
		sessionId: sessionIdSchema,
		stage: z.string().max(limits.name).nullable(),
		type: z.string().max(limits.name),
		userId: ownerId,
	})
	.meta({ id: 'SessionEvent', examples: [example] });
export type Event = z.infer<typeof eventSchema>;

export const appendSchema = z
	.object({
		type: plainLine(limits.name, 1),
		message: plainString(limits.message).optional(),
		payload: sentObject.meta(payloadMeta).optional(),
		stage: plainLine(limits.name).optional(),
	})
	.meta({
		id: 'AppendEvent',
		examples: [
			{ type: example.type, message: example.message, payload: example.payload, stage: example.stage },
		],
	});

export const eventsQuerySchema = z.object({
	after: z
		.string()
		.max(EVENT_ID_LENGTH)
		.regex(EVENT_ID, { error: 'must be the id of an event' })
		.optional()
		.meta({ description: 'The id of the last event that the caller has.' }),
	limit: wholeNumberQuery(1, MAX_IN_PAGE, 100, 'The maximum number of events on the page.'),
	order: z.enum(['asc', 'desc']).optional().meta({
		description:
			'`desc` begins with the newest event, and `after` goes on with older ones. A stream is always `asc`.',
	}),
	state: z
		.enum(['true', 'false'])
		.optional()
		.meta({ description: 'Whether a stream has the whole session and each change of it.' }),
});

export const eventPageSchema = z
	.object({
		data: z.array(eventSchema).max(MAX_IN_PAGE),
		hasMore: z.boolean().meta({ description: 'Whether there are events after this page.' }),
	})
	.meta({ id: 'EventPage' });
export type EventPage = z.infer<typeof eventPageSchema>;
