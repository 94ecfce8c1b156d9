import { type Context, Hono } from 'hono';
import { accepts } from 'hono/accepts';
import { checkMayAppend } from '../auth/append-types.ts';
import { limits } from '../core/limits.ts';
import { settingsOf } from '../core/settings.ts';
import { areWhole } from '../database/in-batches.ts';
import { EVENT_STREAM, endFrame, eventFrame, HEARTBEAT, OPENING, stateFrame } from '../following/frames.ts';
import { followResponse, isFollowed, tellFollowers } from '../following/response.ts';
import { JSON_TYPE, jsonBody } from '../http/body.ts';
import type { AppEnv } from '../http/context.ts';
import { idempotencyOf } from '../http/idempotency.ts';
import { enclosed, jsonResponse, jsonStream } from '../http/json-response.ts';
import { operation } from '../http/operation.ts';
import { sessionFrom } from '../http/session-path.ts';
import { validateQuery } from '../http/validate.ts';
import { appendEvent } from './append-store.ts';
import { cursorOf, newEvents, type SnapshotSource } from './follow.ts';
import { eventJson, eventsJson, eventsJsonParts } from './json.ts';
import { contentOf, newEvent } from './new-event.ts';
import { openFollowed } from './open-followed.ts';
import { readEvents, wholeEvents } from './read-store.ts';
import {
	appendSchema,
	type Event,
	type EventPage,
	eventPageSchema,
	eventSchema,
	eventsQuerySchema,
	example,
} from './schema.ts';

const exampleFrames = ({ examples }: SnapshotSource) => ({
	opening: OPENING,
	event: eventFrame(example.id, JSON.stringify(example)),
	session: stateFrame({
		id: example.sessionId,
		status: 'generating',
		version: 7,
		expiresAt: '2026-01-22T09:30:00.000Z',
		updatedAt: example.createdAt,
	}),
	...examples,
	end: endFrame('deleted'),
	heartbeat: HEARTBEAT,
});

const wantsStream = (c: Context<AppEnv>): boolean =>
	accepts(c, {
		header: 'Accept',
		supports: ['application/json', EVENT_STREAM],
		default: 'application/json',
	}) === EVENT_STREAM;

/**
 * Streams the events of a session from the client's cursor on. The Last-Event-ID header takes precedence over the
 * query, because a browser sends it when it reconnects.
 */
async function followEvents(
	c: Context<AppEnv>,
	{ after, state }: { after?: string | undefined; state?: string | undefined },
	snapshots: SnapshotSource,
): Promise<Response> {
	const lastEventId = c.req.header('Last-Event-ID');
	const { followed, place } = await openFollowed(c, {
		after: lastEventId
			? { id: lastEventId, from: 'Last-Event-ID' }
			: after === undefined
				? undefined
				: { id: after, from: 'after' },
		hasLiveState: state === 'true',
		snapshots,
		isReadOnly: c.req.method === 'HEAD',
	});
	return followResponse(c, followed, place);
}

/** The calls on the events of one session, mounted under the session's path. A stream gets the whole session from `snapshots`. */
export const eventRoutes = (snapshots: SnapshotSource) =>
	new Hono<AppEnv>({ strict: false })
		.get(
			'/',
			operation({
				id: 'listEvents',
				tag: 'Events',
				summary: 'Page through events',
				description: [
					'All events of a session in order, oldest first. With `order=desc` newest first.',
					'With `Accept: text/event-stream` the response is a stream of Server-Sent Events, which follows the session live. It sends each event after the cursor once and in order: first the stored events, then each new one. A `session` frame has the state. It is sent after the stored events, and after each change. An `end` frame is sent when the session is deleted or expires. A comment is sent after 15 s of silence. Resume a stream that closes without an `end` with `Last-Event-ID`. `limit`, `order` and `X-D1-Bookmark` do not apply to it.',
					'With `state=true` the stream has the session itself in place of `session` frames: a `snapshot` frame after the stored events, then a `change` frame for each change. A change follows on the state with the ETag `previous`. `set` has the new values of fields, and `merge` has merge patches (RFC 7396) of objects. Another `snapshot` replaces what the client has.',
				].join('\n\n'),
				permission: 'PRODUCTS:READ',
				forSessionKeys: true,
				headers: ['Last-Event-ID'],
				responses: {
					200: {
						description: 'A page of events, or a stream of them.',
						schema: eventPageSchema,
						frames: exampleFrames(snapshots),
					},
				},
			}),
			validateQuery(eventsQuerySchema),
			async (c) => {
				const { after, limit, order = 'asc', state } = c.req.valid('query');
				if (wantsStream(c)) return followEvents(c, { after, state }, snapshots) as never;
				const { db, reference } = sessionFrom(c);
				const cursor = after === undefined ? undefined : cursorOf(after, 'after');
				// Read one more than requested, to know whether there are more.
				const found = await readEvents(db, reference, cursor, order, limit + 1);
				const events = found.slice(0, limit);
				const rest = `,"hasMore":${found.length > limit}}`;
				if (areWhole(events))
					return jsonResponse<EventPage, 200>(`{"data":${eventsJson(events)}${rest}`, 200);
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
				description: `Adds an event to the end of the session’s log. \`payload\` may have at most ${limits.eventPayload} bytes. A key for one session that was made with \`append\` may call this too. A type that its list does not allow is a 403.`,
				permission: 'PRODUCTS:WRITE',
				forSessionKeys: 'that may append',
				headers: ['Idempotency-Key'],
				errors: ['QUOTA_EXCEEDED'],
				responses: { 201: { description: 'The new event.', schema: eventSchema } },
			}),
			jsonBody({ [JSON_TYPE]: appendSchema }),
			async (c) => {
				const event = newEvent(c.req.valid('json'), 'payload');
				const idempotency = await idempotencyOf(c.req.header('Idempotency-Key'), () => contentOf(event));
				const { db, reference } = sessionFrom(c);
				checkMayAppend(c.get('principal'), event.type);
				const {
					event: row,
					followedUntil,
					isReplay,
				} = await appendEvent(db, reference, event, idempotency, settingsOf(c.env));
				// A replay tells the followers too, because the first attempt may have failed before it did.
				if (isFollowed(followedUntil)) tellFollowers(c, row.session_id, newEvents([row]));
				return jsonResponse<Event, 201>(
					eventJson(row),
					201,
					isReplay ? { 'Idempotency-Replayed': 'true' } : {},
				);
			},
		);
