import * as z from 'zod';
import {
	appendSchema,
	type Event,
	type EventPage,
	eventSchema,
	eventsQuerySchema,
} from '../events/schema.ts';
import { type StepResponse, stepSchema } from '../steps/schema.ts';
import { fittingItems, MAX_ANSWER } from './answer-size.ts';
import { etag, idempotencyKey, ifMatch, sessionId, summaryOf, summarySchema } from './arguments.ts';
import { tool } from './tool.ts';

const MAX_EVENTS = 100;

/** An event that the caller has just sent, without what it sent. */
const appendedSchema = eventSchema.pick({ id: true, type: true, createdAt: true });
const appended = ({ id, type, createdAt }: Event) => ({ id, type, createdAt });

export const eventId = eventsQuerySchema.shape.after.unwrap();

const listEvents = tool({
	name: 'list_events',
	title: 'Read events',
	description: `Reads the events of a session, oldest first: what happened, in order. A result has at most ${MAX_ANSWER} characters, or one event. While hasMore is true, pass nextAfter as after to go on.`,
	permission: 'PRODUCTS:READ',
	forSessionKeys: true,
	annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true },
	own: {
		sessionId,
		after: eventId.optional().meta({ description: 'Reads the events after this one.' }),
		limit: z.int().min(1).max(MAX_EVENTS).default(20).meta({ description: 'Events on a page.' }),
	},
	output: z.object({
		events: z.array(eventSchema),
		hasMore: z.boolean(),
		nextAfter: eventId.optional().meta({ description: 'The id of the last event of this page.' }),
	}),
	async run({ sessionId, after, limit }, _, { rest }) {
		const query = { after, limit: String(limit) };
		const { json } = await rest<EventPage>({ method: 'GET', path: [sessionId, 'events'], query });
		const events = fittingItems(json.data);
		const nextAfter = events.at(-1)?.id;
		return {
			events,
			hasMore: json.hasMore || events.length < json.data.length,
			...(nextAfter === undefined ? {} : { nextAfter }),
		};
	},
});

const appendEvent = tool({
	name: 'append_event',
	title: 'Append an event',
	description:
		'Appends an event to the log of a session. People and programs follow the log live. Use a short dotted type, such as plan.ready or input.requested. Its id is the after for wait_for_session.',
	permission: 'PRODUCTS:WRITE',
	forSessionKeys: 'that may append',
	annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
	own: { sessionId, idempotencyKey },
	passed: appendSchema.shape,
	output: z.object({ event: appendedSchema }),
	async run({ sessionId, idempotencyKey }, body, { rest }) {
		const { json } = await rest<Event>({
			method: 'POST',
			path: [sessionId, 'events'],
			headers: { 'Idempotency-Key': idempotencyKey },
			body,
		});
		return { event: appended(json) };
	},
});

const addStep = tool({
	name: 'add_step',
	title: 'Add a step',
	description:
		'Appends events and merges a patch into a session in one transaction: both happen, or neither. Use it for each step of the work, with an idempotencyKey. The patch is an RFC 7396 merge patch: send only what changes, null removes.',
	permission: 'PRODUCTS:WRITE',
	annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
	own: { sessionId, ifMatch, idempotencyKey },
	passed: stepSchema.shape,
	output: z.object({ etag, session: summarySchema, events: z.array(appendedSchema) }),
	async run({ sessionId, ifMatch, idempotencyKey }, body, { rest }) {
		const { json, etag } = await rest<StepResponse>({
			method: 'POST',
			path: [sessionId, 'steps'],
			headers: { 'If-Match': ifMatch, 'Idempotency-Key': idempotencyKey },
			body,
		});
		return { etag, session: summaryOf(json.session), events: json.events.map(appended) };
	},
});

export const eventTools = [listEvents, appendEvent, addStep];
