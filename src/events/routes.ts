import { Hono } from 'hono';
import { needs } from '../auth/authenticate.ts';
import { ApiError, validationError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { sessionNotFound, thisSession } from '../core/session-reference.ts';
import { JSON_TYPE, jsonBody } from '../http/body.ts';
import { type AppEnv, requestDatabase } from '../http/context.ts';
import { idempotencyOf } from '../http/idempotency.ts';
import { jsonAnswer } from '../http/json-response.ts';
import { validate } from '../http/validate.ts';
import { textWithin } from '../json/json-text.ts';
import { eventJson, eventsJson } from './json.ts';
import { appendSchema, EVENT_ID, type Event, type EventPage, eventsQuerySchema } from './schema.ts';
import { insertEvent, readEvents } from './store.ts';

/** The calls on the events of one session; mounted under the session's path. */
export const eventRoutes = new Hono<AppEnv>({ strict: false })
	.get('/', needs('PRODUCTS:READ'), validate('query', eventsQuerySchema), async (c) => {
		const { after, limit } = c.req.valid('query');
		const cursor = after === undefined ? undefined : { id: after, number: Number(EVENT_ID.exec(after)?.[1]) };
		// One more than asked for tells whether there are more.
		const page = await readEvents(requestDatabase(c), thisSession(c), cursor, limit + 1);
		if (!page.session) throw sessionNotFound();
		if (!page.cursor) throw validationError([{ path: 'after', message: 'is no event of this session' }]);
		const data = eventsJson(page.events.slice(0, limit));
		return jsonAnswer<EventPage, 200>(`{"data":${data},"hasMore":${page.events.length > limit}}`, 200);
	})

	.post(
		'/',
		needs('PRODUCTS:WRITE'),
		jsonBody({ mediaTypes: [JSON_TYPE] }),
		validate('json', appendSchema),
		async (c) => {
			const fields = c.req.valid('json');
			const event = {
				type: fields.type,
				stage: fields.stage ?? null,
				message: fields.message ?? null,
				payload: fields.payload ? textWithin(fields.payload, 'payload', limits.eventPayload) : '{}',
				nonce: crypto.randomUUID().replaceAll('-', '').slice(-20),
			};
			const { nonce, ...content } = event;
			const idempotency = await idempotencyOf(c.req.header('Idempotency-Key'), Object.values(content));
			const appended = await insertEvent(requestDatabase(c), thisSession(c), event, idempotency);
			if (!appended) throw sessionNotFound();
			const { row, fingerprint } = appended;
			if (idempotency && fingerprint !== idempotency.fingerprint) {
				throw new ApiError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was sent with another body.');
			}
			const replayed = !row.id.endsWith(nonce);
			return jsonAnswer<Event, 201>(eventJson(row), 201, replayed ? { 'Idempotency-Replayed': 'true' } : {});
		},
	);
