import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { callerKey } from '../../src/core/principal.ts';
import type { SessionKey } from '../../src/session-keys/schema.ts';
import { callerWith, newCaller, ORIGIN, SESSIONS, send } from '../support/api.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { legacyRequestOf, mcpOf, requestOf } from '../support/mcp.ts';
import { ISSUER, newSigningKey, type SigningKey, signToken } from '../support/tokens.ts';

const nobody = { userId: '', organizationId: null };
const METADATA = `${ORIGIN}/.well-known/oauth-protected-resource/mcp`;
const names = async (mcp: ReturnType<typeof mcpOf>) => {
	const { result } = await mcp.request('tools/list');
	return (result as { tools: { name: string }[] }).tools.map(({ name }) => name);
};

let signing: SigningKey;
beforeAll(async () => {
	signing = await newSigningKey();
});
afterEach(() => vi.restoreAllMocks());

const clerk = (other: Record<string, string> = {}) =>
	serviceWith({ CLERK_JWT_KEY: signing.pem, CLERK_ISSUER: ISSUER, ...other });
const now = () => Math.floor(Date.now() / 1000);
const fresh = () => ({ exp: now() + 60, iat: now(), nbf: now() - 10 });
const clerkCaller = (token: string, other: Record<string, string> = {}) =>
	callerWith(token, nobody, clerk(other));

describe('credentials', () => {
	it('are needed for every method of the protocol', async () => {
		for (const method of ['initialize', 'server/discover', 'tools/list', 'tools/call', 'ping']) {
			const { headers, body } = requestOf(method);
			const answer = await send('/mcp', { method: 'POST', headers, body: JSON.stringify(body) });
			expect(answer, method).toMatchObject({ status: 401, json: { code: 'UNAUTHORIZED' } });
			expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer realm="product-generation-sessions"');
		}
	});

	it('that are missing or wrong lead OAuth clients to the metadata, where Clerk is configured', async () => {
		const wrong = await clerkCaller('x.y.z').call('POST', '/mcp', requestOf('ping'));
		expect(wrong.status).toBe(401);
		expect(wrong.headers.get('WWW-Authenticate')).toBe(
			`Bearer realm="product-generation-sessions", error="invalid_token", resource_metadata="${METADATA}"`,
		);
		const rest = await clerkCaller('x.y.z').call('GET', SESSIONS);
		expect(rest.headers.get('WWW-Authenticate')).not.toContain('resource_metadata');
	});

	it('may be a session token of Clerk', async () => {
		const token = await signToken(signing, fresh());
		expect(await mcpOf(clerkCaller(token)).content('list_sessions')).toEqual({ sessions: [] });
	});
});

describe('an OAuth access token of Clerk', () => {
	const accessToken = (claims: Record<string, unknown>, typ = 'at+jwt') =>
		signToken(
			signing,
			{ azp: undefined, sid: undefined, sts: undefined, client_id: 'c', ...fresh(), ...claims },
			{ typ },
		);
	const statusWith = async (token: string, other?: Record<string, string>) =>
		(await mcpOf(clerkCaller(token, other)).send('tools/list')).status;

	it('is accepted if it is for this server', async () => {
		for (const aud of [`${ORIGIN}/mcp`, ['https://other.example', `${ORIGIN}/mcp`]]) {
			expect(await statusWith(await accessToken({ aud }))).toBe(200);
			expect(await statusWith(await accessToken({ aud }, 'application/at+jwt'))).toBe(200);
			expect(
				await statusWith(await accessToken({ aud }), { CLERK_AUTHORIZED_PARTIES: 'https://app.example' }),
			).toBe(200);
		}
	});

	it('is rejected if it is for another server, or for none', async () => {
		for (const aud of [undefined, 'https://other.example/mcp', ORIGIN, `${ORIGIN}/mcp/`, [], 3]) {
			expect(await statusWith(await accessToken({ aud })), String(aud)).toBe(401);
		}
	});

	it('is rejected after its time, and from another issuer', async () => {
		const aud = `${ORIGIN}/mcp`;
		expect(await statusWith(await accessToken({ aud, exp: now() - 60 }))).toBe(401);
		expect(await statusWith(await accessToken({ aud, iss: 'https://evil.example' }))).toBe(401);
	});

	it('is rejected by the REST API', async () => {
		const token = await accessToken({ aud: `${ORIGIN}/mcp` });
		expect((await clerkCaller(token).call('GET', SESSIONS)).status).toBe(401);
	});
});

describe('the metadata of the protected resource', () => {
	it('names the issuer of tokens', async () => {
		for (const path of ['', '/mcp']) {
			const response = await clerk()(new Request(`${ORIGIN}/.well-known/oauth-protected-resource${path}`));
			expect(response.status).toBe(200);
			expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
			expect(await response.json()).toMatchObject({
				resource: `${ORIGIN}/mcp`,
				authorization_servers: [ISSUER],
				bearer_methods_supported: ['header'],
			});
		}
	});

	it('is not there without an issuer', async () => {
		expect((await send('/.well-known/oauth-protected-resource/mcp')).status).toBe(404);
	});
});

describe('the origin of a page', () => {
	const statusFrom = async (origin: string, { url = ORIGIN, origins = '' } = {}) => {
		const { key } = await newCaller();
		const { headers, body } = requestOf('server/discover');
		const request = new Request(`${url}/mcp`, {
			method: 'POST',
			headers: { ...headers, Origin: origin, Authorization: `Bearer ${key}` },
			body: JSON.stringify(body),
		});
		return (await serviceWith({ CORS_ORIGINS: origins })(request)).status;
	};

	it('must be in CORS_ORIGINS', async () => {
		expect(await statusFrom('https://app.example')).toBe(403);
		expect(await statusFrom('null')).toBe(403);
		expect(await statusFrom('not an origin')).toBe(403);
		expect(await statusFrom('https://app.example', { origins: 'https://app.example' })).toBe(200);
		expect(await statusFrom('https://evil.example', { origins: 'https://app.example' })).toBe(403);
		expect(await statusFrom('https://app.example', { origins: '*' })).toBe(200);
	});

	it('may be on this machine if the server is, which the name of another machine must not claim', async () => {
		const local = 'http://localhost:8787';
		expect(await statusFrom('http://localhost:6274', { url: local })).toBe(200);
		expect(await statusFrom('http://127.0.0.1:6274', { url: local })).toBe(200);
		expect(await statusFrom('http://evil.example:8787', { url: 'http://evil.example:8787' })).toBe(403);
		expect(await statusFrom('http://localhost:6274')).toBe(403);
		expect(await statusFrom('http://localhost.evil.example', { url: local })).toBe(403);
	});
});

describe('permissions', () => {
	it('decide which tools a caller sees, and a call without one is an error of the tool', async () => {
		const reader = await newCaller({ permissions: ['PRODUCTS:READ'] });
		const mcp = mcpOf(reader);
		expect(await names(mcp)).toEqual([
			'list_sessions',
			'get_session',
			'list_events',
			'wait_for_session',
			'list_versions',
		]);
		expect(await mcp.failure('create_session')).toMatch(
			/^FORBIDDEN: This call needs the permission PRODUCTS:WRITE/,
		);
		const writer = mcpOf(await newCaller({ permissions: ['PRODUCTS:WRITE'] }));
		expect(await names(writer)).toEqual([
			'create_session',
			'update_session',
			'append_event',
			'add_step',
			'fork_session',
		]);
		const args = { sessionId: 'sess_01k2vxq8f3e7ttyyds0t6w2h4b' };
		for (const name of ['list_sessions', 'get_session', 'list_events', 'wait_for_session', 'list_versions']) {
			expect(await writer.failure(name, name === 'list_sessions' ? {} : args), name).toMatch(/^FORBIDDEN/);
		}
	});
});

describe('another caller’s session', () => {
	it('is not there, for each tool and resource', async () => {
		const { id: sessionId } = await (await newCaller()).create({ prd: { secret: 1 } });
		const mcp = mcpOf(await newCaller());
		for (const [name, args] of [
			['get_session', {}],
			['update_session', { status: 'failed' }],
			['list_events', {}],
			['append_event', { type: 'a' }],
			['add_step', { events: [{ type: 'a' }] }],
			['wait_for_session', { timeoutSeconds: 1 }],
			['list_versions', {}],
			['fork_session', {}],
		] as const) {
			expect(await mcp.failure(name, { sessionId, ...args }), name).toMatch(/^SESSION_NOT_FOUND/);
		}
		for (const uri of [`session://${sessionId}`, `session://${sessionId}/events`]) {
			expect((await mcp.request('resources/read', { uri })).error, uri).toMatchObject({ code: -32602 });
		}
		const listen = { notifications: { resourceSubscriptions: [`session://${sessionId}`] } };
		expect((await mcp.request('subscriptions/listen', listen)).error?.message).toMatch(/^SESSION_NOT_FOUND/);
		expect(await mcp.content('list_sessions')).toEqual({ sessions: [] });
		expect((await mcp.request('resources/list')).result?.resources).toEqual([]);
		const ref = { type: 'ref/resource', uri: 'session://{id}' };
		const { result } = await mcp.request('completion/complete', {
			ref,
			argument: { name: 'id', value: 'sess_' },
		});
		expect(result).toMatchObject({ completion: { values: [] } });
	});
});

describe('a key for one session', () => {
	async function guestOf() {
		const maker = await newCaller();
		const { id } = await maker.create({ prd: { a: 1 } });
		const other = await maker.create();
		const { json } = await maker.call<SessionKey>('POST', `${SESSIONS}/${id}/keys`);
		return { id, other: other.id, mcp: mcpOf(callerWith(json.key, maker)) };
	}

	it('sees the tools that read one session, and that session', async () => {
		const { id, mcp } = await guestOf();
		expect(await names(mcp)).toEqual(['get_session', 'list_events', 'wait_for_session', 'list_versions']);
		expect(await mcp.content('get_session', { sessionId: id, fields: ['prd'] })).toMatchObject({
			session: { prd: { a: 1 } },
		});
		const { result } = await mcp.request('resources/list');
		expect(result?.resources).toMatchObject([{ uri: `session://${id}` }]);
	});

	it('sees no other session, lists none, and writes nothing', async () => {
		const { id, other, mcp } = await guestOf();
		for (const name of ['get_session', 'list_events', 'wait_for_session', 'list_versions']) {
			expect(await mcp.failure(name, { sessionId: other }), name).toMatch(/^SESSION_NOT_FOUND/);
		}
		expect((await mcp.request('resources/read', { uri: `session://${other}` })).error).toMatchObject({
			code: -32602,
		});
		for (const [name, args] of [
			['list_sessions', {}],
			['create_session', {}],
			['fork_session', { sessionId: id }],
			['update_session', { sessionId: id, status: 'failed' }],
			['append_event', { sessionId: id, type: 'a' }],
			['add_step', { sessionId: id, events: [{ type: 'a' }] }],
		] as const) {
			expect(await mcp.failure(name, args), name).toMatch(/^FORBIDDEN/);
		}
	});
});

describe('a key for one session that may append', () => {
	it('sees append_event too, which takes the types of its list and no others', async () => {
		const maker = await newCaller();
		const { id } = await maker.create();
		const body = { append: ['input.*'] };
		const { json } = await maker.call<SessionKey>('POST', `${SESSIONS}/${id}/keys`, { body });
		const mcp = mcpOf(callerWith(json.key, maker));
		expect(await names(mcp)).toEqual([
			'get_session',
			'list_events',
			'append_event',
			'wait_for_session',
			'list_versions',
		]);
		await mcp.content('append_event', { sessionId: id, type: 'input.approved' });
		expect(await mcp.failure('append_event', { sessionId: id, type: 'plan.ready' })).toMatch(/^FORBIDDEN/);
		expect(await mcp.failure('add_step', { sessionId: id, events: [{ type: 'input.approved' }] })).toMatch(
			/^FORBIDDEN/,
		);
		expect((await maker.details(id)).events.map(({ type }) => type)).toEqual(['input.approved']);
	});
});

describe('limits', () => {
	it('count a request of the protocol as one request, and what it costs as in REST', async () => {
		const counted: string[] = [];
		const limiter: RateLimit = {
			limit: async ({ key }) => {
				counted.push(key);
				return { success: counted.length <= 3 };
			},
		};
		const caller = await newCaller({ fetcher: serviceWith({ RATE_LIMITER: limiter }) });
		const mcp = mcpOf(caller);
		for (let n = 0; n < 3; n += 1) await mcp.content('list_sessions');
		expect(await mcp.send('tools/list')).toMatchObject({ status: 429, json: { code: 'RATE_LIMITED' } });
		expect(new Set(counted)).toEqual(new Set([callerKey(caller)]));
		expect(counted).toHaveLength(4);
	});

	it('refuse a body over 2 MiB before they read it whole', async () => {
		const caller = await newCaller();
		const { headers } = requestOf('tools/list');
		const answer = await caller.call('POST', '/mcp', { headers, raw: 'x'.repeat(2 * 1024 * 1024 + 1) });
		expect(answer).toMatchObject({ status: 413, json: { code: 'PAYLOAD_TOO_LARGE' } });
	});

	it('refuse several messages at once, which would count as one request', async () => {
		const caller = await newCaller();
		const { headers, body } = legacyRequestOf('tools/list');
		const answer = await caller.call('POST', '/mcp', { headers, body: [body, body] });
		expect(answer).toMatchObject({ status: 400, json: { error: { code: -32600 } } });
	});

	it('of a key for one session apply', async () => {
		const maker = await newCaller();
		const { id } = await maker.create();
		const { json } = await maker.call<SessionKey>('POST', `${SESSIONS}/${id}/keys`);
		const none: RateLimit = { limit: async () => ({ success: false }) };
		const guest = callerWith(json.key, maker, serviceWith({ SESSION_KEY_LIMITER: none }));
		expect((await mcpOf(guest).send('tools/list')).status).toBe(429);
	});
});

describe('the log', () => {
	it('names the method or the tool, and has no content and no name that a client made up', async () => {
		const lines: string[] = [];
		for (const level of ['log', 'info', 'warn', 'error'] as const) {
			vi.spyOn(console, level).mockImplementation((line) => void lines.push(String(line)));
		}
		const caller = await newCaller();
		const mcp = mcpOf(caller);
		await mcp.content('create_session', { prd: { text: 'SECRET' }, idempotencyKey: 'SECRET' });
		await mcp.request('tools/list');
		await mcp.request('tools/call', { name: 'SECRET', arguments: {} });
		await mcp.failure('get_session', { sessionId: 'SECRET', SECRET: 1 });
		await mcp.send('SECRET/method');
		await caller.call('POST', '/mcp', { raw: 'SECRET', headers: { 'Content-Type': 'application/json' } });
		await caller.call('POST', '/mcp', {
			raw: '{}',
			headers: { 'Content-Type': 'text/SECRET', 'Mcp-Name': 'SECRET' },
		});
		const requests = lines.map((line) => JSON.parse(line)).filter(({ message }) => message === 'request');
		expect(requests.map(({ route }) => route)).toEqual([
			'/mcp create_session',
			'/mcp tools/list',
			'/mcp tools/call',
			'/mcp get_session',
			'/mcp',
			'/mcp',
			'/mcp',
		]);
		expect(requests[0]).toMatchObject({ userId: caller.userId, status: 200, d1Trips: 2 });
		expect(lines.join('\n')).not.toContain('SECRET');
	});
});

describe('other methods of HTTP', () => {
	it('are not allowed: there is no session of the protocol to follow or to end', async () => {
		for (const method of ['GET', 'DELETE']) {
			const answer = await send('/mcp', { method, headers: { Accept: 'text/event-stream' } });
			expect(answer.status, method).toBe(405);
			expect(answer.headers.get('Allow')).toBe('POST');
		}
	});

	it('include a preflight, with the headers of the protocol', async () => {
		const service = serviceWith({ CORS_ORIGINS: 'https://app.example' });
		const headers = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' };
		const response = await service(new Request(`${ORIGIN}/mcp`, { method: 'OPTIONS', headers }));
		expect(response.status).toBe(204);
		expect(response.headers.get('Access-Control-Allow-Headers')).toContain(
			'MCP-Protocol-Version,Mcp-Method,Mcp-Name',
		);
	});
});
