import { pathOf, reading, writing } from '../check.ts';
import { expectEqual, expectError, expectStatus, type JsonObject, pathsOf } from '../expect.ts';

/** Sparse answers. */
export const fieldsChecks = [
	writing(
		'fields.details',
		'extensions: fields.only',
		'details have only the requested fields, in their order',
		async ({ send, create }) => {
			const id = await create({ prd: { a: 1 } });
			const path = pathOf(id);
			const few = expectStatus(await send('GET', { path: `${path}?fields=status,prd,id` }), 200);
			expectEqual(Object.entries(few), Object.entries({ id, prd: { a: 1 }, status: 'intake' }), 'details');
			await send('POST', { path: `${path}/events`, body: { type: 'note' } });
			const log = expectStatus(await send('GET', { path: `${path}?fields=events` }), 200);
			expectEqual(Object.keys(log), ['events'], 'fields of the details');
			expectEqual((log.events as JsonObject[]).length, 1, 'the number of events');
		},
	),

	writing(
		'fields.list',
		'extensions: fields.only',
		'a list has only the requested fields, in their order',
		async ({ send, create }) => {
			const id = await create();
			const { data } = expectStatus(await send('GET', { path: '?fields=status,id&limit=100' }), 200);
			const ours = (data as JsonObject[]).find((each) => each.id === id);
			expectEqual(Object.entries(ours ?? {}), Object.entries({ id, status: 'intake' }), 'our session');
		},
	),

	reading('fields.unknown', 'extensions: fields.unknown', 'an unknown field gets a 400', async ({ send }) => {
		const error = expectError(await send('GET', { path: '?fields=id,nonsense' }), 400, 'VALIDATION_ERROR');
		expectEqual(pathsOf(error), ['fields'], 'paths of the details');
	}),
];
