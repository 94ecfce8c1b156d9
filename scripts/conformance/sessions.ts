import { writing } from './check.ts';
import { expectEqual, expectError, expectStatus, expectTrue, type JsonObject, pathsOf } from './expect.ts';
import { type Answer, SESSIONS } from './server.ts';
import { expectShape, STATUSES } from './shapes.ts';
import { OBJECT } from './values.ts';

const OBJECT_FIELDS = ['assemblyState', 'plan', 'prd', 'productObject'];
const session = (answer: Answer, status = 200) =>
	expectShape(expectStatus(answer, status), 'session', answer.request);

/** Throws a Deviation unless an object has its members in the order in which they were sent. */
function expectSameObject(actual: unknown, sent: JsonObject, what: string): void {
	expectEqual(JSON.stringify(actual), JSON.stringify(sent), what);
}

/** Creating, reading, updating and deleting sessions. */
export const sessionChecks = [
	writing('create.status', 'creating returns 201', async ({ send, remember }) => {
		expectStatus(remember(await send('POST', { body: {} })), 201);
	}),

	writing('create.fields', 'a new session has 14 fields, in order', async ({ send, remember }) => {
		const answer = remember(await send('POST', { body: {} }));
		expectShape(answer.json, 'session', answer.request);
	}),

	writing(
		'create.initial',
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

	writing('create.absent-body', 'a missing body counts as {}', async ({ send, remember }) => {
		expectStatus(remember(await send('POST')), 201);
	}),

	writing('create.values', 'a new session holds the values that were sent', async ({ send, remember }) => {
		const body = { catalogVersion: 'c 1', prd: OBJECT, schemaVersion: 's 1' };
		const { json } = remember(await send('POST', { body }));
		const made = json as JsonObject;
		expectEqual([made.catalogVersion, made.schemaVersion], ['c 1', 's 1'], 'the versions');
		expectSameObject(made.prd, OBJECT, 'prd');
	}),

	writing('create.validation', 'an invalid field gets a 400 that names it', async ({ send, remember }) => {
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
	}),

	writing('details.fields', 'details have 15 fields, events after createdAt', async ({ send, create }) => {
		const answer = await send('GET', { path: `/${await create()}` });
		expectShape(expectStatus(answer, 200), 'details', answer.request);
	}),

	writing(
		'details.same',
		'details return the session as creating returned it',
		async ({ send, remember }) => {
			const made = remember(await send('POST', { body: { prd: OBJECT } })).json as JsonObject;
			const { events, ...rest } = expectStatus(await send('GET', { path: `/${made.id}` }), 200);
			expectEqual(events, [], 'events');
			expectEqual(rest, made, 'details without events');
		},
	),

	writing('update.reference', 'the reference’s example works', async ({ send, create }) => {
		const path = `/${await create()}`;
		const changed = session(await send('PATCH', { path, body: { status: 'generating' } }));
		expectEqual(changed.status, 'generating', 'status');
	}),

	writing('update.statuses', 'every status may be set, in any order', async ({ send, create }) => {
		const path = `/${await create()}`;
		for (const status of [...STATUSES.toReversed(), ...STATUSES]) {
			const body = expectStatus(await send('PATCH', { path, body: { status } }), 200);
			expectEqual(body.status, status, 'status');
		}
	}),

	writing('update.values', 'every field comes back as it was sent', async ({ send, create }) => {
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
	}),

	writing('update.replaces', 'a field that is sent is replaced as a whole', async ({ send, create }) => {
		const path = `/${await create()}`;
		for (const name of OBJECT_FIELDS) {
			await send('PATCH', { path, body: { [name]: { kept: 1, nested: { a: 1 } } } });
			const changed = expectStatus(
				await send('PATCH', { path, body: { [name]: { nested: { b: 2 } } } }),
				200,
			);
			expectEqual(changed[name], { nested: { b: 2 } }, name);
		}
	}),

	writing('update.leaves', 'a field that is not sent keeps its value', async ({ send, create }) => {
		const path = `/${await create({ catalogVersion: 'c', prd: { a: 1 }, schemaVersion: 's' })}`;
		await send('PATCH', { path, body: { plan: { b: 1 } } });
		const changed = expectStatus(await send('PATCH', { path, body: { assemblyState: { c: 1 } } }), 200);
		const { catalogVersion, prd, schemaVersion, plan, status } = changed;
		expectEqual(
			[catalogVersion, prd, schemaVersion, plan, status],
			['c', { a: 1 }, 's', { b: 1 }, 'intake'],
			'catalogVersion, prd, schemaVersion, plan, status',
		);
	}),

	writing('update.persists', 'a later read sees the update', async ({ send, create }) => {
		const path = `/${await create()}`;
		const changed = expectStatus(
			await send('PATCH', { path, body: { plan: { a: 1 }, status: 'failed' } }),
			200,
		);
		const { events: _, ...rest } = expectStatus(await send('GET', { path }), 200);
		expectEqual(rest, changed, 'details without events');
	}),

	writing(
		'update.ignores',
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

	writing('update.null', 'null gets a 400 in every field', async ({ send, create }) => {
		const path = `/${await create()}`;
		for (const name of [...OBJECT_FIELDS, 'productObjectHash', 'status']) {
			expectError(await send('PATCH', { path, body: { [name]: null } }), 400, 'VALIDATION_ERROR');
		}
	}),

	writing('delete.answer', 'deleting returns { "success": true }', async ({ send, create }) => {
		const answer = await send('DELETE', { path: `/${await create()}` });
		expectEqual(expectStatus(answer, 200), { success: true }, answer.request);
	}),

	writing('delete.gone', 'a deleted session is gone for every call', async ({ send, create }) => {
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
	}),
];
