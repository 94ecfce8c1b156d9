import { reading, writing } from '../check.ts';
import { expectEqual, expectError, expectStatus, expectTrue } from '../expect.ts';

/** A well-formed id that no session has. */
const NO_SESSION = '/sess_00000000000000000000000000';

/** Authentication, permissions, and the error responses of every call. */
export const accessChecks = [
	reading(
		'access.challenge',
		'RFC 9110, 11.6.1',
		'a 401 has a WWW-Authenticate: Bearer header',
		async ({ send }) => {
			const { headers } = await send('GET', { authorization: null });
			expectTrue(
				/^Bearer\b/i.test(headers.get('WWW-Authenticate') ?? ''),
				'WWW-Authenticate: Bearer is missing',
			);
		},
	),

	reading('access.unknown-key', 'strict: errors.codes', 'an unknown key gets a 401', async ({ send }) => {
		for (const authorization of [`Bearer rt_test_${'0'.repeat(72)}`, 'Bearer nonsense', 'Basic dTpw']) {
			expectError(await send('GET', { authorization }), 401, 'UNAUTHORIZED');
		}
	}),

	reading(
		'access.bare-key',
		'strict: access.bare-key',
		'an API key is accepted without a scheme',
		async ({ send, server }) => {
			expectStatus(await send('GET', { authorization: server.apiKey }), 200);
		},
	),

	reading(
		'access.scheme-case',
		'RFC 9110, 11.1',
		'the case of the scheme does not matter',
		async ({ send, server }) => {
			expectStatus(await send('GET', { authorization: `bearer ${server.apiKey}` }), 200);
		},
	),

	writing(
		'access.forbidden',
		'strict: errors.codes',
		'a key without the permission gets a 403',
		async ({ send, server, create }) => {
			if (server.limitedApiKey === undefined) return 'needs --limited-api-key';
			const authorization = `Bearer ${server.limitedApiKey}`;
			expectStatus(await send('GET', { authorization }), 200);
			const id = await create();
			const calls = [
				['POST', ''],
				['PATCH', `/${id}`],
				['POST', `/${id}/events`],
				['DELETE', `/${id}`],
			] as const;
			for (const [method, path] of calls) {
				const body = method === 'DELETE' ? undefined : { type: 'note', status: 'failed' };
				expectError(await send(method, { path, body, authorization }), 403, 'FORBIDDEN');
			}
			expectEqual(expectStatus(await send('GET', { path: `/${id}` }), 200).status, 'intake', 'status');
		},
	),

	reading(
		'errors.missing-session',
		'strict: errors.codes',
		'a missing session gets a 404 on every call',
		async ({ send }) => {
			for (const path of [NO_SESSION, '/nonsense']) {
				expectError(await send('GET', { path }), 404, 'SESSION_NOT_FOUND');
				expectError(await send('DELETE', { path }), 404, 'SESSION_NOT_FOUND');
				expectError(await send('PATCH', { path, body: { status: 'failed' } }), 404, 'SESSION_NOT_FOUND');
				const body = { type: 'note' };
				expectError(await send('POST', { path: `${path}/events`, body }), 404, 'SESSION_NOT_FOUND');
			}
		},
	),

	reading('errors.no-route', 'strict: errors.codes', 'an unknown path gets a 404', async ({ send }) => {
		expectError(await send('GET', { path: `${NO_SESSION}/nothing/here` }), 404, 'NOT_FOUND');
	}),

	reading(
		'errors.method',
		'RFC 9110, 15.5.6',
		'an unknown method gets a 405 that lists the allowed ones',
		async ({ send }) => {
			const answer = await send('PUT', { path: NO_SESSION, body: {} });
			expectError(answer, 405, 'METHOD_NOT_ALLOWED');
			const allowed = (answer.headers.get('Allow') ?? '').split(/, */);
			for (const method of ['GET', 'PATCH', 'DELETE'])
				expectTrue(allowed.includes(method), `Allow lacks ${method}`);
		},
	),

	writing(
		'errors.media-type',
		'RFC 9110, 15.5.16',
		'a body whose Content-Type is not JSON gets a 415',
		async ({ send, create }) => {
			const path = `/${await create()}`;
			for (const contentType of ['text/plain', 'application/x-www-form-urlencoded', null]) {
				const answer = await send('PATCH', { path, raw: '{"status":"failed"}', contentType });
				expectError(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
			}
			expectEqual(expectStatus(await send('GET', { path }), 200).status, 'intake', 'status');
		},
	),

	writing(
		'errors.invalid-json',
		'strict: errors.codes',
		'a body that is not JSON gets a 400',
		async ({ send, create }) => {
			const path = `/${await create()}`;
			for (const raw of ['{', "{'status':'failed'}", '{"status":"failed"} x']) {
				expectError(await send('PATCH', { path, raw }), 400, 'INVALID_JSON');
				expectError(await send('POST', { path: `${path}/events`, raw }), 400, 'INVALID_JSON');
			}
		},
	),
];
