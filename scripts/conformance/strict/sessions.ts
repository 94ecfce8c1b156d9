import { writing } from '../check.ts';
import {
	expectEqual,
	expectError,
	expectSameObject,
	expectStatus,
	expectTrue,
	type JsonObject,
	pathsOf,
} from '../expect.ts';
import { SESSIONS } from '../server.ts';
import { OBJECT, OBJECT_FIELDS } from '../values.ts';
import { expectShape } from './shapes.ts';

/** Creating, reading and deleting sessions. */
export const sessionChecks = [
	writing(
		'create.fields',
		'strict: fields.order',
		'a new session has 14 fields, in order',
		async ({ send, remember }) => {
			const answer = remember(await send('POST', { body: {} }));
			expectShape(answer.json, 'session', answer.request);
		},
	),

	writing(
		'create.initial',
		'strict: create.initial',
		'a new session has the status intake and no content',
		async ({ send, remember }) => {
			const { request, json } = remember(await send('POST', { body: {} }));
			const made = json as JsonObject;
			expectEqual(made.status, 'intake', `${request}: status`);
			for (const name of [...OBJECT_FIELDS, 'catalogVersion', 'productObjectHash', 'schemaVersion']) {
				expectEqual(made[name], null, `${request}: ${name}`);
			}
			expectTrue(String(made.expiresAt) > String(made.createdAt), 'expiresAt is not after createdAt');
			expectEqual(made.updatedAt, made.createdAt, `${request}: updatedAt`);
		},
	),

	writing(
		'create.values',
		'strict: values.exact',
		'a new session holds the values that were sent',
		async ({ send, remember }) => {
			const body = { catalogVersion: 'c 1', prd: OBJECT, schemaVersion: 's 1' };
			const { json } = remember(await send('POST', { body }));
			const made = json as JsonObject;
			expectEqual([made.catalogVersion, made.schemaVersion], ['c 1', 's 1'], 'the versions');
			expectSameObject(made.prd, OBJECT, 'prd');
		},
	),

	writing(
		'create.validation',
		'strict: errors.validation',
		'an invalid field gets a 400 that names it',
		async ({ send, remember }) => {
			for (const [name, values] of Object.entries({
				catalogVersion: [null, 1, {}],
				prd: [null, [], 'text', 1],
				schemaVersion: [null, false],
			})) {
				for (const value of values) {
					const error = expectError(
						remember(await send('POST', { body: { [name]: value } })),
						400,
						'VALIDATION_ERROR',
					);
					expectEqual(pathsOf(error), [name], `POST ${SESSIONS}: paths of the details`);
				}
			}
			expectError(remember(await send('POST', { body: [] })), 400, 'VALIDATION_ERROR');
		},
	),

	writing(
		'details.fields',
		'strict: fields.order',
		'details have 15 fields, events after createdAt',
		async ({ send, create }) => {
			const answer = await send('GET', { path: `/${await create()}` });
			expectShape(expectStatus(answer, 200), 'details', answer.request);
		},
	),

	writing(
		'details.same',
		'strict: details.same',
		'details return the session as creating returned it',
		async ({ send, remember }) => {
			const made = remember(await send('POST', { body: { prd: OBJECT } })).json as JsonObject;
			const { events, ...rest } = expectStatus(await send('GET', { path: `/${made.id}` }), 200);
			expectEqual(events, [], 'events');
			expectEqual(rest, made, 'details without events');
		},
	),

	writing(
		'delete.success',
		'strict: delete.success',
		'deleting returns { "success": true }',
		async ({ send, create }) => {
			const answer = await send('DELETE', { path: `/${await create()}` });
			expectEqual(expectStatus(answer, 200), { success: true }, answer.request);
		},
	),

	writing(
		'delete.gone',
		'strict: errors.codes',
		'a deleted session is gone for every call',
		async ({ send, create }) => {
			const id = await create();
			const path = `/${id}`;
			await send('POST', { path: `${path}/events`, body: { type: 'note' } });
			await send('DELETE', { path });
			expectError(await send('GET', { path }), 404, 'SESSION_NOT_FOUND');
			expectError(await send('PATCH', { path, body: { status: 'failed' } }), 404, 'SESSION_NOT_FOUND');
			const body = { type: 'note' };
			expectError(await send('POST', { path: `${path}/events`, body }), 404, 'SESSION_NOT_FOUND');
			expectError(await send('DELETE', { path }), 404, 'SESSION_NOT_FOUND');
			const { data } = expectStatus(await send('GET', { path: '?limit=100' }), 200);
			const ids = (data as JsonObject[]).map((each) => each.id);
			expectTrue(!ids.includes(id), 'the list still shows it');
		},
	),
];
