import { writing } from '../check.ts';
import { expectEqual, expectError, expectSameObject, expectStatus, pathsOf } from '../expect.ts';
import { STATUSES } from '../reference/shapes.ts';
import type { Answer } from '../server.ts';
import { OBJECT, OBJECT_FIELDS } from '../values.ts';
import { expectShape } from './shapes.ts';

const session = (answer: Answer, status = 200) =>
	expectShape(expectStatus(answer, status), 'session', answer.request);

/** Updating sessions. */
export const updateChecks = [
	writing(
		'update.any-order',
		'strict: update.any-order',
		'every status may be set, in any order',
		async ({ send, create }) => {
			const path = `/${await create()}`;
			for (const status of [...STATUSES.toReversed(), ...STATUSES]) {
				const body = expectStatus(await send('PATCH', { path, body: { status } }), 200);
				expectEqual(body.status, status, 'status');
			}
		},
	),

	writing(
		'update.values',
		'strict: values.exact',
		'every field comes back as it was sent',
		async ({ send, create }) => {
			const path = `/${await create()}`;
			for (const name of OBJECT_FIELDS) {
				const changed = expectStatus(await send('PATCH', { path, body: { [name]: OBJECT } }), 200);
				expectSameObject(changed[name], OBJECT, `${name} in the response`);
			}
			const body = { productObjectHash: 'a hash', productObject: OBJECT };
			expectEqual(
				expectStatus(await send('PATCH', { path, body }), 200).productObjectHash,
				'a hash',
				'productObjectHash',
			);
			const read = expectStatus(await send('GET', { path }), 200);
			for (const name of OBJECT_FIELDS) expectSameObject(read[name], OBJECT, `${name} in details`);
		},
	),

	writing(
		'update.replaces',
		'strict: update.replaces',
		'a field that is sent is replaced as a whole',
		async ({ send, create }) => {
			const path = `/${await create()}`;
			for (const name of OBJECT_FIELDS) {
				await send('PATCH', { path, body: { [name]: { kept: 1, nested: { a: 1 } } } });
				const changed = expectStatus(
					await send('PATCH', { path, body: { [name]: { nested: { b: 2 } } } }),
					200,
				);
				expectEqual(changed[name], { nested: { b: 2 } }, name);
			}
		},
	),

	writing(
		'update.ignores',
		'strict: update.ignores',
		'fields that the request does not define are ignored',
		async ({ send, create }) => {
			const path = `/${await create({ catalogVersion: 'c' })}`;
			const before = expectStatus(await send('GET', { path }), 200);
			const whole = Object.fromEntries(Object.entries(before).filter(([, value]) => value !== null));
			const body = {
				...whole,
				id: 'sess_x',
				userId: 'x',
				catalogVersion: 'x',
				unknown: null,
				status: 'failed',
			};
			const changed = session(await send('PATCH', { path, body }));
			const { id, userId, catalogVersion, status } = changed;
			expectEqual(
				[id, userId, catalogVersion, status],
				[before.id, before.userId, 'c', 'failed'],
				'id, userId, catalogVersion, status',
			);
		},
	),

	writing(
		'update.nothing',
		'strict: update.nothing',
		'a body without a known field changes nothing, not even updatedAt',
		async ({ send, create }) => {
			const path = `/${await create()}`;
			const before = expectStatus(await send('PATCH', { path, body: { status: 'generating' } }), 200);
			await new Promise((resolve) => setTimeout(resolve, 20));
			for (const body of [{}, { unknown: 1 }]) {
				expectEqual(expectStatus(await send('PATCH', { path, body }), 200), before, 'the session');
			}
		},
	),

	writing(
		'update.validation',
		'strict: errors.validation',
		'invalid fields get a 400 that names each of them',
		async ({ send, create }) => {
			const path = `/${await create()}`;
			const before = expectStatus(await send('GET', { path }), 200);
			const bad: [name: string, value: unknown][] = [
				...OBJECT_FIELDS.flatMap((name): [string, unknown][] => [
					[name, []],
					[name, 'text'],
					[name, 1],
				]),
				['productObjectHash', 1],
				['status', 'nonsense'],
				['status', 'INTAKE'],
			];
			for (const [name, value] of bad) {
				const answer = await send('PATCH', { path, body: { [name]: value } });
				expectEqual(pathsOf(expectError(answer, 400, 'VALIDATION_ERROR')), [name], 'paths of the details');
			}
			const answer = await send('PATCH', { path, body: { status: 'nonsense', plan: 1, prd: [] } });
			const error = expectError(answer, 400, 'VALIDATION_ERROR');
			expectEqual(pathsOf(error), ['plan', 'prd', 'status'], 'paths of the details');
			expectEqual(expectStatus(await send('GET', { path }), 200), before, 'the session');
		},
	),

	writing(
		'update.null',
		'strict: errors.validation',
		'null gets a 400 in every field',
		async ({ send, create }) => {
			const path = `/${await create()}`;
			for (const name of [...OBJECT_FIELDS, 'productObjectHash', 'status']) {
				expectError(await send('PATCH', { path, body: { [name]: null } }), 400, 'VALIDATION_ERROR');
			}
		},
	),
];
