import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Server, startServer } from '../support/server.ts';
import { newSigningKey, type SigningKey, signToken } from '../support/tokens.ts';

const SESSIONS = '/v1/products/generation/sessions';
/** It cannot exist, so a request for it takes no trip to D1, in which a hundred would wait for one another. An accepted token gets 404. */
const NO_SESSION = '/none';

/** A stand-in for the issuer, which returns its key set or fails. */
let issuer: HttpServer;
let iss: string;
let requests: string[];
/** It answers when `held` resolves, and calls `onRequest` before. */
let answer: { status: number; keys: unknown[]; held?: Promise<unknown>; onRequest?: () => void };
let server: Server;
let key: SigningKey;

beforeAll(async () => {
	key = await newSigningKey();
	issuer = createServer(async (request, response) => {
		requests.push(`${request.method} ${request.url}`);
		answer.onRequest?.();
		await answer.held;
		response.writeHead(answer.status, { 'Content-Type': 'application/json' });
		response.end(JSON.stringify({ keys: answer.keys }));
	});
	await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
});
afterAll(() => issuer.close());

// Each test has a new isolate, whose cache is empty.
beforeEach(async () => {
	iss = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
	requests = [];
	answer = { status: 200, keys: [key.jwk] };
	server = await startServer({ CLERK_ISSUER: iss });
	return () => server.close();
});

async function call(token: string, method = 'GET', path = '') {
	const response = await fetch(server.url + SESSIONS + path, {
		method,
		headers: { Authorization: `Bearer ${token}` },
	});
	return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}
function tokenOf(signer: SigningKey, claims: Record<string, unknown> = {}): Promise<string> {
	const now = Math.floor(Date.now() / 1000);
	return signToken(signer, { iss, exp: now + 60, iat: now, nbf: now - 10, ...claims });
}

describe('with an issuer and no PEM, the service', () => {
	it('fetches the key set once, and accepts its users', async () => {
		const token = await tokenOf(key, { o: { id: 'org_1' } });
		const { status, json } = await call(token, 'POST');
		expect([status, json.userId, json.organizationId]).toEqual([201, 'user_1', 'org_1']);
		for (let times = 0; times < 3; times += 1) expect((await call(token)).status).toBe(200);
		expect(requests).toEqual(['GET /.well-known/jwks.json']);
	});

	it('rejects a foreign key with a known id, an unknown id and another issuer, and does not fetch again', async () => {
		const foreign = await newSigningKey();
		const unknown = await newSigningKey('kid_2');
		expect((await call(await tokenOf(key))).status).toBe(200);
		for (const token of [
			await tokenOf(foreign),
			await tokenOf(unknown),
			await tokenOf(unknown),
			await tokenOf(key, { iss: 'https://evil.example' }),
		]) {
			const { status, json } = await call(token);
			expect([status, json.code]).toEqual([401, 'UNAUTHORIZED']);
		}
		expect(requests).toHaveLength(1);
	});

	it('shares one fetch between 100 concurrent requests, and accepts all of them', async () => {
		const token = await tokenOf(key);
		const responses = await Promise.all(Array.from({ length: 100 }, () => call(token, 'GET', NO_SESSION)));
		expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 404));
		expect((await call(token)).status).toBe(200);
		expect(requests).toHaveLength(1);
	});

	it('fetches once for 100 concurrent tokens with made-up key ids', async () => {
		const tokens = await Promise.all(
			Array.from({ length: 100 }, (_, n) => tokenOf({ ...key, jwk: { ...key.jwk, kid: `made_up_${n}` } })),
		);
		const responses = await Promise.all(tokens.map((token) => call(token, 'GET', NO_SESSION)));
		expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 401));
		expect(requests).toHaveLength(1);
	});

	it('shares one failed fetch between 100 concurrent requests', async () => {
		// The fetch fails when all requests have arrived, which the answers to as many later ones tell.
		let fail = () => {};
		const held = new Promise<void>((resolve) => {
			fail = resolve;
		});
		answer = { status: 503, keys: [], held };
		const token = await tokenOf(key);
		const calls = Array.from({ length: 100 }, () => call(token, 'GET', NO_SESSION));
		const later = Array.from({ length: 100 }, () => fetch(`${server.url}/nowhere`));
		await Promise.all((await Promise.all(later)).map((response) => response.arrayBuffer()));
		fail();
		const responses = await Promise.all(calls);
		expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 500));
		expect(requests).toHaveLength(1);
	});

	it('finishes the fetch of a caller that disconnects, and the next caller uses its result', async () => {
		const token = await tokenOf(key);
		const gone = new AbortController();
		const { signal } = gone;
		const held = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
		// The caller is gone before the issuer answers.
		answer = { ...answer, held, onRequest: () => gone.abort() };
		const aborted = fetch(server.url + SESSIONS, {
			headers: { Authorization: `Bearer ${token}` },
			signal,
		});
		await expect(aborted).rejects.toThrow();
		expect((await call(token)).status).toBe(200);
		expect(requests).toHaveLength(1);
	});

	it('returns 500 while the issuer fails, and accepts users as soon as it recovers', async () => {
		answer = { status: 503, keys: [] };
		const token = await tokenOf(key);
		for (let times = 0; times < 2; times += 1) {
			const { status, json } = await call(token);
			expect([status, json.code]).toEqual([500, 'INTERNAL_ERROR']);
		}
		answer = { status: 200, keys: [key.jwk] };
		expect((await call(token)).status).toBe(200);
	});
});
