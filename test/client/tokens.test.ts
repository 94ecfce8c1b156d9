import { describe, expect, it, vi } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { refusal, type Sent, scriptedFetch, succeeding } from '../support/scripted-fetch.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
const baseUrl = 'https://api.test';
const unauthorized = () => refusal(401, 'UNAUTHORIZED');
const found = succeeding();
const tokensOf = (sent: Sent[]) => sent.map(({ headers }) => headers.get('Authorization'));

describe('the token', () => {
	it('is sent as a bearer token', async () => {
		const { fetch, sent } = scriptedFetch(found);
		await createClient({ baseUrl, token: 'rt_test_1', fetch }).get(ID);
		expect(tokensOf(sent)).toEqual(['Bearer rt_test_1']);
	});

	it('is requested once while it is valid', async () => {
		const { fetch } = scriptedFetch(found, found);
		const token = vi.fn(async () => 'one');
		const client = createClient({ baseUrl, token, fetch });
		await client.get(ID);
		await client.get(ID);
		expect(token).toHaveBeenCalledTimes(1);
	});

	it('is requested again after a 401, even for a write that is never retried otherwise', async () => {
		const { fetch, sent } = scriptedFetch(unauthorized, found, found);
		const token = vi.fn().mockReturnValueOnce('old').mockReturnValue('new');
		const client = createClient({ baseUrl, token, fetch });
		await client.update(ID, { status: 'failed' });
		await client.get(ID);
		expect(tokensOf(sent)).toEqual(['Bearer old', 'Bearer new', 'Bearer new']);
	});

	it('makes the call throw when it is rejected twice', async () => {
		const { fetch, sent } = scriptedFetch(unauthorized, unauthorized);
		const token = () => crypto.randomUUID();
		const call = createClient({ baseUrl, token, fetch }).get(ID);
		await expect(call).rejects.toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
		expect(sent).toHaveLength(2);
	});

	it('is not sent again when the function returns the rejected one', async () => {
		const { fetch, sent } = scriptedFetch(unauthorized);
		const call = createClient({ baseUrl, token: () => 'same', fetch }).get(ID);
		await expect(call).rejects.toMatchObject({ status: 401 });
		expect(sent).toHaveLength(1);
	});

	it('is not requested again when another call has already renewed it', async () => {
		const late = Promise.withResolvers<Response>();
		const { fetch, sent } = scriptedFetch(found, unauthorized, () => late.promise, found, found);
		const token = vi.fn().mockReturnValueOnce('old').mockReturnValue('new');
		const client = createClient({ baseUrl, token, fetch });
		await client.get(ID);
		const [first, second] = [client.get(ID), client.get(ID)];
		await first;
		late.resolve(unauthorized());
		await second;
		expect(tokensOf(sent).slice(1)).toEqual(['Bearer old', 'Bearer old', 'Bearer new', 'Bearer new']);
		expect(token).toHaveBeenCalledTimes(2);
	});

	it('function’s error is the error of the call', async () => {
		const { fetch } = scriptedFetch();
		const reason = new Error('signed out');
		const token = () => Promise.reject(reason);
		await expect(createClient({ baseUrl, token, fetch }).get(ID)).rejects.toBe(reason);
	});

	it('function is bound by the timeout and by the signal of the call, and nothing is sent without it', async () => {
		const { fetch, sent } = scriptedFetch();
		const client = createClient({ baseUrl, token: () => new Promise<string>(() => {}), fetch });
		await expect(client.append(ID, { type: 'note' }, { timeoutMs: 20 })).rejects.toMatchObject({
			code: 'TIMEOUT',
			status: 0,
		});
		const leaving = new AbortController();
		const call = client.get(ID, { signal: leaving.signal });
		const reason = new Error('The user left.');
		leaving.abort(reason);
		await expect(call).rejects.toBe(reason);
		expect(sent).toEqual([]);
	});

	it('function is bound by the timeout when it renews the token', async () => {
		const { fetch } = scriptedFetch(unauthorized);
		const token = vi
			.fn()
			.mockReturnValueOnce('one')
			.mockReturnValue(new Promise(() => {}));
		const call = createClient({ baseUrl, token, fetch }).get(ID, { timeoutMs: 20 });
		await expect(call).rejects.toMatchObject({ code: 'TIMEOUT' });
	});

	it('does not appear in errors when a server echoes it', async () => {
		const secret = 'rt_test_secret';
		const echo = { error: `No ${secret}.`, code: 'VALIDATION_ERROR', requestId: secret };
		const details = [{ path: secret, message: `Bearer ${secret}`, suggestion: secret }];
		const replies = [
			() => Response.json({ ...echo, details }, { status: 400 }),
			() => new Response(secret, { status: 404, headers: { 'X-Request-Id': secret } }),
			() => new Response(null, { status: 302, headers: { Location: `https://a.test/?key=${secret}` } }),
			() => new Response(secret, { status: 200, headers: { 'Content-Type': 'application/json' } }),
		];
		for (const reply of replies) {
			const { fetch } = scriptedFetch(reply);
			const client = createClient({ baseUrl, token: secret, fetch, maxRetries: 0 });
			for (const call of [() => client.get(ID), () => client.follow(ID).next()]) {
				const failure = await call().catch((error) => error);
				const { stack, cause, requestId, details: problems } = failure;
				expect(JSON.stringify([failure, stack, cause, requestId, problems])).not.toContain(secret);
			}
		}
	});

	it('does not appear in errors', async () => {
		const secret = 'rt_test_secret';
		for (const replies of [['cut' as const], [unauthorized], [() => new Response(secret, { status: 500 })]]) {
			const { fetch } = scriptedFetch(...replies);
			const client = createClient({ baseUrl, token: secret, fetch, maxRetries: 0 });
			const failure = await client.append(ID, { type: 'note' }).catch((error) => error);
			expect(`${failure.stack} ${failure.cause?.stack} ${JSON.stringify(failure)}`).not.toContain(secret);
		}
	});

	it('throws a TypeError that does not contain it when a header cannot carry it', async () => {
		for (const token of ['rt_test_secret\n', 'rt_test_secret with spaces', 'rt_test_secret–']) {
			const failure = await createClient({ baseUrl, token })
				.get(ID)
				.catch((error) => error);
			expect(failure).toBeInstanceOf(TypeError);
			expect(failure.stack).not.toContain('secret');
		}
	});
});
