import { describe, expect, it } from 'vitest';
import { ApiError, createClient } from '../../src/client/client.ts';
import { json, type Reply, scriptedFetch } from '../support/scripted-fetch.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';

async function errorOf(reply: Reply): Promise<ApiError> {
	const { fetch } = scriptedFetch(reply);
	const client = createClient({ baseUrl: 'https://api.test', token: 'rt_test_1', fetch, maxRetries: 0 });
	const failure = await client.get(ID).catch((error: unknown) => error);
	if (!(failure instanceof ApiError)) throw new Error('The call did not throw an ApiError.');
	return failure;
}

describe('the error of a response', () => {
	it('has the status, the code, the request and each problem, and its message names them', async () => {
		const details = [
			{ path: 'status', message: 'is not allowed', code: 'INVALID_ENUM', suggestion: 'Use one of a, b.' },
			{ path: '', message: 'is too deep', code: 'TOO_DEEP' },
		];
		const body = { error: 'The request does not fit.', code: 'VALIDATION_ERROR', requestId: 'r1', details };
		const error = await errorOf(json(body, { status: 400 }));
		expect(error).toMatchObject({
			name: 'ApiError',
			status: 400,
			code: 'VALIDATION_ERROR',
			requestId: 'r1',
			details,
		});
		expect(error.message).toBe(
			'The request does not fit.\nstatus: is not allowed. Use one of a, b.\nrequest: is too deep',
		);
	});

	it('is UNEXPECTED_RESPONSE when the response does not come from the service', async () => {
		for (const body of ['<h1>Not here</h1>', '{"message":"none"}', 'null', '']) {
			const reply = new Response(body, { status: 404, headers: { 'X-Request-Id': 'r2' } });
			expect(await errorOf(reply)).toMatchObject({
				status: 404,
				code: 'UNEXPECTED_RESPONSE',
				requestId: 'r2',
				details: [],
			});
		}
	});

	it('is that of the service when its details are not a list of problems', async () => {
		for (const details of [null, 'x', 7, [null], ['x'], {}]) {
			const body = { error: 'It does not fit.', code: 'VALIDATION_ERROR', requestId: 'r1', details };
			expect(await errorOf(json(body, { status: 400 }))).toMatchObject({
				code: 'VALIDATION_ERROR',
				message: 'It does not fit.',
				details: [],
			});
		}
	});

	it('is UNEXPECTED_RESPONSE when a 200 is not JSON', async () => {
		const page = new Response('<h1>Sign in</h1>', { headers: { 'Content-Type': 'text/html' } });
		expect(await errorOf(page)).toMatchObject({ status: 200, code: 'UNEXPECTED_RESPONSE' });
	});
});

describe('the error of a connection', () => {
	it('is NETWORK_ERROR with the cause, and without a status', async () => {
		const error = await errorOf('cut');
		expect(error).toMatchObject({ status: 0, code: 'NETWORK_ERROR', details: [] });
		expect(error.cause).toBeInstanceOf(TypeError);
	});
});
