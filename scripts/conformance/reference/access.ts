import { pathOf, reading, writing } from '../check.ts';
import { expectStatus } from '../expect.ts';
import { expectDetails, expectRefused } from './shapes.ts';

/** The calls that write, on a session at `path`. Each has a body that the document allows. */
const writes = (path: string) =>
	[
		['POST', { body: {} }],
		['PATCH', { path, body: { plan: { refused: true } } }],
		['POST', { path: `${path}/events`, body: { type: 'note' } }],
		['DELETE', { path }],
	] as const;

/** Who may call. */
export const accessChecks = [
	reading(
		'access.no-credentials',
		'reference: calls.list.answers.401',
		'a list without credentials gets a 401',
		async ({ send }) => {
			expectRefused(await send('GET', { authorization: null }), 401);
		},
	),

	reading(
		'access.wrong-key',
		'reference: calls.list.answers.401',
		'a list with a key that does not exist gets a 401',
		async ({ send }) => {
			for (const authorization of [`Bearer rt_test_${'0'.repeat(72)}`, 'Bearer nonsense']) {
				expectRefused(await send('GET', { authorization }), 401);
			}
		},
	),

	writing(
		'access.every-call',
		'reference: calls.*.answers.401',
		'every call without credentials gets a 401, and changes nothing',
		async ({ send, create, remember }) => {
			const path = pathOf(await create());
			for (const [method, call] of [['GET', { path }] as const, ...writes(path)]) {
				expectRefused(remember(await send(method, { ...call, authorization: null })), 401);
			}
			expectDetails(await send('GET', { path }));
		},
	),

	writing(
		'access.read-only-key',
		'reference: calls.*.answers.403',
		'a key that may only read gets a 403 for every write',
		async ({ send, server, create, remember }) => {
			if (server.limitedApiKey === undefined) return 'needs --limited-api-key';
			const authorization = `Bearer ${server.limitedApiKey}`;
			expectStatus(await send('GET', { authorization }), 200);
			const path = pathOf(await create());
			for (const [method, call] of writes(path)) {
				expectRefused(remember(await send(method, { ...call, authorization })), 403);
			}
			expectDetails(await send('GET', { path }));
		},
	),
];
