import { writing } from '../check.ts';
import { expectEqual, expectError, expectStatus, expectTrue, type JsonObject, pathsOf } from '../expect.ts';
import { OBJECT } from '../values.ts';
import { expectShape } from './shapes.ts';

/** Appending events, and reading them with their session. */
export const eventChecks = [
	writing(
		'append.fields',
		'strict: fields.order',
		'an event has 9 fields, in order',
		async ({ send, create }) => {
			const id = await create();
			const { json, request } = await send('POST', { path: `/${id}/events`, body: { type: 'note' } });
			const event = expectShape(json, 'event', request);
			const { userId, organizationId } = expectStatus(await send('GET', { path: `/${id}` }), 200);
			expectEqual(
				[event.sessionId, event.userId, event.organizationId],
				[id, userId, organizationId],
				'sessionId, userId, organizationId',
			);
		},
	),

	writing(
		'append.defaults',
		'strict: append.defaults',
		'fields that are not sent are null, and the payload is {}',
		async ({ send, create }) => {
			const { json } = await send('POST', { path: `/${await create()}/events`, body: { type: 'note' } });
			const { message, payload, stage, type } = json as JsonObject;
			expectEqual([message, payload, stage, type], [null, {}, null, 'note'], 'message, payload, stage, type');
		},
	),

	writing(
		'append.values',
		'strict: values.exact',
		'an event holds the values that were sent',
		async ({ send, create }) => {
			const body = { type: 't', message: 'é 😀', payload: OBJECT, stage: 's' };
			const { json } = await send('POST', { path: `/${await create()}/events`, body });
			const { message, payload, stage, type } = json as JsonObject;
			expectEqual([message, stage, type], ['é 😀', 's', 't'], 'message, stage, type');
			expectEqual(JSON.stringify(payload), JSON.stringify(OBJECT), 'payload');
		},
	),

	writing(
		'append.validation',
		'strict: errors.validation',
		'an invalid field gets a 400 that names it',
		async ({ send, create }) => {
			const id = await create();
			const bad: [path: string, body: JsonObject][] = [
				['type', {}],
				['type', { type: '' }],
				['type', { type: null }],
				['type', { type: 1 }],
				['message', { type: 't', message: null }],
				['message', { type: 't', message: {} }],
				['payload', { type: 't', payload: null }],
				['payload', { type: 't', payload: [] }],
				['stage', { type: 't', stage: null }],
				['stage', { type: 't', stage: 1 }],
			];
			for (const [path, body] of bad) {
				const error = expectError(
					await send('POST', { path: `/${id}/events`, body }),
					400,
					'VALIDATION_ERROR',
				);
				expectEqual(pathsOf(error), [path], `${JSON.stringify(body)}: paths of the details`);
			}
			expectEqual(expectStatus(await send('GET', { path: `/${id}` }), 200).events, [], 'events');
		},
	),

	writing(
		'append.keeps-session',
		'strict: append.keeps-session',
		'appending does not change the session',
		async ({ send, create }) => {
			const path = `/${await create()}`;
			const { events: _, ...before } = expectStatus(await send('GET', { path }), 200);
			await new Promise((resolve) => setTimeout(resolve, 20));
			await send('POST', { path: `${path}/events`, body: { type: 'note' } });
			const { events, ...after } = expectStatus(await send('GET', { path }), 200);
			expectEqual(after, before, 'the session');
			expectTrue(Array.isArray(events) && events.length === 1, 'the event is missing in details');
		},
	),

	writing(
		'details.events',
		'strict: details.events',
		'details list the events, oldest first',
		async ({ send, create }) => {
			const path = `/${await create()}`;
			const sent: unknown[] = [];
			for (let n = 0; n < 5; n += 1) {
				const body = { type: `t${n}`, payload: { n } };
				sent.push((await send('POST', { path: `${path}/events`, body })).json);
			}
			const { events } = expectStatus(await send('GET', { path }), 200);
			expectEqual(events, sent, 'events');
			for (const event of events as unknown[]) expectShape(event, 'event', 'details');
		},
	),
];
