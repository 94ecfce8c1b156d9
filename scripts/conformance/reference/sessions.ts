import { pathOf, writing } from '../check.ts';
import { expectEqual, expectStatus, expectTrue, type JsonObject } from '../expect.ts';
import { OBJECT, OBJECT_FIELDS } from '../values.ts';
import { expectDetails, expectRefused, expectSession } from './shapes.ts';

const CREATE = {
	prd: { title: 'AI Customer Support', description: 'An AI-powered customer support product' },
	catalogVersion: '1.0',
	schemaVersion: '1.0',
};
const UPDATE = {
	status: 'generating',
	plan: { capabilities: ['chat', 'search'], surfaces: ['widget'] },
};

/** Throws a Deviation unless a session has these values. The order of members does not count. */
function expectValues(session: JsonObject, values: JsonObject, where: string): void {
	for (const [name, value] of Object.entries(values)) expectEqual(session[name], value, `${where}: ${name}`);
}

/** Creating, reading, updating and deleting sessions. */
export const sessionChecks = [
	writing(
		'create.answer',
		'reference: calls.create.answers.201',
		'creating returns 201 and a session',
		async ({ send, remember }) => {
			expectSession(remember(await send('POST', { body: {} })), 201);
		},
	),

	writing(
		'create.absent-body',
		'reference: calls.create.bodyIsRequired',
		'creating needs no body',
		async ({ send, remember }) => {
			expectSession(remember(await send('POST')), 201);
		},
	),

	writing(
		'create.example',
		'reference: calls.create.example',
		'a new session holds the values of the example',
		async ({ send, remember }) => {
			const answer = remember(await send('POST', { body: CREATE }));
			expectValues(expectSession(answer, 201), CREATE, answer.request);
		},
	),

	writing(
		'create.fields-one-by-one',
		'reference: calls.create.body',
		'each field of a create is optional',
		async ({ send, remember }) => {
			for (const [name, value] of Object.entries({ ...CREATE, prd: OBJECT })) {
				const answer = remember(await send('POST', { body: { [name]: value } }));
				expectValues(expectSession(answer, 201), { [name]: value }, answer.request);
			}
		},
	),

	writing(
		'details.answer',
		'reference: calls.details.answers.200',
		'details return a session with its events',
		async ({ send, create }) => {
			expectDetails(await send('GET', { path: pathOf(await create()) }));
		},
	),

	writing(
		'details.stored',
		'reference: calls.details.answers.200',
		'details return the session that was created',
		async ({ send, remember }) => {
			const made = expectSession(remember(await send('POST', { body: CREATE })), 201);
			const { id, userId, organizationId } = made;
			const answer = await send('GET', { path: pathOf(String(id)) });
			expectValues(expectDetails(answer).session, { ...CREATE, id, userId, organizationId }, answer.request);
		},
	),

	writing(
		'update.example',
		'reference: calls.update.example',
		'an update returns the session with the values of the example',
		async ({ send, create }) => {
			const id = await create();
			const answer = await send('PATCH', { path: pathOf(id), body: UPDATE });
			expectValues(expectSession(answer), { ...UPDATE, id }, answer.request);
		},
	),

	writing(
		'update.statuses',
		'reference: calls.update.body.status',
		'each status can be set',
		async ({ send, create }) => {
			// In the order of a session's life, because the document does not say which status may follow which.
			for (const life of [['generating', 'assembling', 'complete'], ['generating', 'failed'], ['intake']]) {
				const path = pathOf(await create());
				for (const status of life) {
					const answer = await send('PATCH', { path, body: { status } });
					expectValues(expectSession(answer), { status }, answer.request);
				}
			}
		},
	),

	writing(
		'update.fields',
		'reference: calls.update.body',
		'each field of an update comes back with the value that was sent',
		async ({ send, create }) => {
			const path = pathOf(await create());
			for (const name of OBJECT_FIELDS) {
				const answer = await send('PATCH', { path, body: { [name]: OBJECT } });
				expectValues(expectSession(answer), { [name]: OBJECT }, answer.request);
			}
			const body = { productObject: OBJECT, productObjectHash: 'a hash' };
			const answer = await send('PATCH', { path, body });
			expectValues(expectSession(answer), body, answer.request);
		},
	),

	writing(
		'update.absent-body',
		'reference: calls.update.bodyIsRequired',
		'an update needs no body',
		async ({ send, create }) => {
			expectSession(await send('PATCH', { path: pathOf(await create()) }));
		},
	),

	writing(
		'update.partial',
		'reference: calls.update.body',
		'a field that an update does not send keeps its value',
		async ({ send, create }) => {
			const path = pathOf(await create(CREATE));
			await send('PATCH', { path, body: UPDATE });
			const answer = await send('PATCH', { path, body: { assemblyState: { built: 1 } } });
			expectValues(
				expectSession(answer),
				{ ...CREATE, ...UPDATE, assemblyState: { built: 1 } },
				answer.request,
			);
		},
	),

	writing(
		'update.stored',
		'reference: calls.details.answers.200',
		'details return what an update has changed',
		async ({ send, create }) => {
			const path = pathOf(await create());
			expectSession(await send('PATCH', { path, body: UPDATE }));
			const answer = await send('GET', { path });
			expectValues(expectDetails(answer).session, UPDATE, answer.request);
		},
	),

	writing(
		'delete.answer',
		'reference: calls.delete.answers.200',
		'deleting returns success as a boolean',
		async ({ send, create }) => {
			const answer = await send('DELETE', { path: pathOf(await create()) });
			const { success } = expectStatus(answer, 200);
			expectTrue(typeof success === 'boolean', `${answer.request}: success is not a boolean`);
		},
	),

	writing(
		'delete.missing',
		'reference: calls.*.answers.404',
		'every call on a session that was deleted gets a 404',
		async ({ send, create }) => {
			const path = pathOf(await create());
			expectStatus(await send('DELETE', { path }), 200);
			expectRefused(await send('GET', { path }), 404);
			expectRefused(await send('PATCH', { path, body: UPDATE }), 404);
			expectRefused(await send('POST', { path: `${path}/events`, body: { type: 'note' } }), 404);
			expectRefused(await send('DELETE', { path }), 404);
		},
	),
];
