import { Hono } from 'hono';
import { ApiError, validationError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { sessionNotFound } from '../core/session-reference.ts';
import { areWhole } from '../database/in-batches.ts';
import { JSON_TYPE, jsonBody } from '../http/body.ts';
import type { AppEnv } from '../http/context.ts';
import { idempotencyOf } from '../http/idempotency.ts';
import { enclosed, jsonResponse, jsonStream } from '../http/json-response.ts';
import { operation } from '../http/operation.ts';
import { sessionRefFrom } from '../http/session-path.ts';
import { validateQuery } from '../http/validate.ts';
import { eventJson, eventsJson, eventsJsonParts } from './json.ts';
import { contentOf, newEvent } from './new-event.ts';
import {
	appendSchema,
	EVENT_ID,
	type Event,
	type EventPage,
	eventPageSchema,
	eventSchema,
	eventsQuerySchema,
} from './schema.ts';
import { insertEvent, readEvents, wholeEvents } from './store.ts';

/** The calls on the events of one session; mounted under the session's path. */
export const eventRoutes = new Hono<AppEnv>({ strict: false })
	.get(
		'/',
		operation({
			id: 'listEvents',
			tag: 'Events',
			summary: 'Page through events',
			description:
				'All events of a session in their one order, the oldest first. To follow, ask again after the last one.',
			permission: 'PRODUCTS:READ',
			responses: { 200: { description: 'A page of events.', schema: eventPageSchema } },
		}),
		validateQuery(eventsQuerySchema),
		async (c) => {
			const { after, limit } = c.req.valid('query');
			const cursor =
				after === undefined ? undefined : { id: after, position: Number(EVENT_ID.exec(after)?.[1]) };
			// One more than asked for tells whether there are more.
			const [db, reference] = [c.get('database'), sessionRefFrom(c)];
			const page = await readEvents(db, reference, cursor, limit + 1);
			if (!page.session) throw sessionNotFound();
			if (!page.cursor) {
				throw validationError([{ path: 'after', message: 'does not match an event in this session' }]);
			}
			const events = page.events.slice(0, limit);
			const rest = `,"hasMore":${page.events.length > limit}}`;
			if (areWhole(events)) return jsonResponse<EventPage, 200>(`{"data":${eventsJson(events)}${rest}`, 200);
			const data = eventsJsonParts(wholeEvents(db, reference, events));
			return jsonStream<EventPage>(c, enclosed('{"data":', data, rest));
		},
	)

	.post(
		'/',
		operation({
			id: 'appendEvent',
			tag: 'Events',
			summary: 'Append an event',
			description: `Adds an event to the end of the session’s log. \`payload\` takes at most ${limits.eventPayload} bytes.`,
			permission: 'PRODUCTS:WRITE',
			headers: ['Idempotency-Key'],
			responses: { 201: { description: 'The new event.', schema: eventSchema } },
		}),
		jsonBody({ [JSON_TYPE]: appendSchema }),
		async (c) => {
			const event = newEvent(c.req.valid('json'), 'payload');
			const idempotency = await idempotencyOf(c.req.header('Idempotency-Key'), contentOf(event));
			const appended = await insertEvent(c.get('database'), sessionRefFrom(c), event, idempotency);
			if (!appended) throw sessionNotFound();
			const { row, fingerprint } = appended;
			if (idempotency && fingerprint !== idempotency.fingerprint) {
				throw new ApiError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was sent with another body.');
			}
			const replayed = !row.id.endsWith(event.nonce);
			return jsonResponse<Event, 201>(
				eventJson(row),
				201,
				replayed ? { 'Idempotency-Replayed': 'true' } : {},
			);
		},
	);
