import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Client, createClient } from '../../src/client/client.ts';
import { json, type Reply, refusal, scriptedFetch, succeeding } from '../support/scripted-fetch.ts';

const ID = 'sess_01k2vxq8f3e7ttyyds0t6w2h4b';
const OTHER = 'sess_01k2vxq8f3e7ttyyds0t6w2h4c';
const clientOf = (...replies: Reply[]) => {
	const { fetch, sent } = scriptedFetch(...replies);
	return { client: createClient({ baseUrl: 'https://api.test', token: 'rt_test_1', fetch }), sent };
};
const repeated = (reply: () => Reply): Reply[] => Array.from({ length: 10 }, reply);

/** Makes each random delay 0. */
beforeEach(() => {
	vi.spyOn(Math, 'random').mockReturnValue(0);
});

type Act = (client: Client) => Promise<unknown>;
const writes: [string, Act][] = [
	['create', (client) => client.create()],
	['append', (client) => client.append(ID, { type: 'note' })],
	['step', (client) => client.step(ID, { events: [{ type: 'note' }] })],
	['update', (client) => client.update(ID, { status: 'failed' })],
	['update with ifMatch', (client) => client.update(ID, { status: 'failed' }, { ifMatch: '"1"' })],
	['merge', (client) => client.merge(ID, { plan: null })],
	['merge with ifMatch', (client) => client.merge(ID, { plan: null }, { ifMatch: '"1"' })],
	['delete', (client) => client.delete(ID)],
	['delete with ifMatch', (client) => client.delete(ID, { ifMatch: '"1"' })],
	['createKey', (client) => client.createKey(ID)],
	['revokeKey', (client) => client.revokeKey(ID, 'key_1')],
	['request', (client) => client.request('POST', '/v1/webhooks', { body: {} })],
];
const reads: [string, Act][] = [
	['get', (client) => client.get(ID)],
	['list', async (client) => await client.list()],
	['events', async (client) => await client.events(ID)],
	['request', (client) => client.request('GET', '/healthz')],
];

const html = (status: number) => () =>
	new Response('<h1>A page</h1>', { status, headers: { 'Content-Type': 'text/html' } });
const redirect = (status: number) => () =>
	new Response(null, { status, headers: { Location: 'https://elsewhere.test/sign-in' } });
/** What arrives although the service did not answer so, or did not answer this call. */
const foreign: [string, () => Reply][] = [
	...[200, 201, 203, 400, 401, 403, 404, 405, 408, 412, 422, 425, 429, 500, 502, 503, 504, 522].map(
		(status): [string, () => Reply] => [`a page with the status ${status}`, html(status)],
	),
	...[301, 302, 303, 307, 308].map((status): [string, () => Reply] => [`a ${status}`, redirect(status)]),
	[
		'an opaque redirect',
		() => () => ({ ...plain(new Response(null)), status: 0, type: 'opaqueredirect' }) as unknown as Response,
	],
	[
		'a redirect that was followed',
		() => () =>
			({ ...plain(json({ success: true, id: ID, status: 'intake' })), redirected: true }) as Response,
	],
	['the JSON of another server', () => json({ ok: true }, { status: 201 })],
	['the JSON of another server as an error', () => json({ message: 'none', code: 404 }, { status: 404 })],
	['a code with a status that it does not have', () => refusal(409, 'SESSION_NOT_FOUND')],
	['a code that the service does not have', () => refusal(404, 'NoSuchBucket')],
	['an error without a request id', () => json({ error: 'No.', code: 'SESSION_NOT_FOUND' }, { status: 404 })],
	['a session of another call', () => json({ id: OTHER, status: 'intake' }, { status: 200 })],
	['a list', () => json({ data: [], pagination: {} }, { status: 200 })],
	['an empty body', () => new Response('', { status: 200 })],
	['a 204', () => new Response(null, { status: 204 })],
	['null', () => json(null, { status: 200 })],
];
/** The members of a response that the client reads, as those of a plain object. */
const plain = (response: Response) => ({
	status: response.status,
	redirected: response.redirected,
	type: response.type as string,
	headers: response.headers,
	body: response.body,
	text: () => response.text(),
});

describe('a response that is not the service’s own to this call', () => {
	for (const [what, reply] of foreign) {
		it(`leaves the outcome of a write unknown: ${what}`, async () => {
			for (const [name, write] of writes) {
				// Any JSON can be the response to a call that the client does not know.
				if (
					name === 'request' &&
					['JSON', 'list', 'another call', '204', 'null'].some((word) => what.includes(word))
				)
					continue;
				const { client } = clientOf(...repeated(reply));
				await expect(write(client), name).rejects.toMatchObject({
					code: 'OUTCOME_UNKNOWN',
					cause: { code: 'UNEXPECTED_RESPONSE' },
				});
			}
		});

		it(`leaves the outcome of a write unknown after a lost response: ${what}`, async () => {
			for (const [name, write] of writes) {
				const { client } = clientOf('cut', ...repeated(reply));
				if (name === 'request') continue;
				await expect(write(client), name).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
			}
		});
	}

	it('is retried where a retry is safe, and then gives way to the service’s own', async () => {
		for (const [, reply] of foreign) {
			const { client, sent } = clientOf(reply(), reply(), succeeding());
			await client.append(ID, { type: 'note' });
			expect(sent).toHaveLength(3);
		}
	});

	it('is retried twice at most when it comes from another server', async () => {
		const { client, sent } = clientOf(...repeated(html(404)));
		await expect(client.get(ID)).rejects.toMatchObject({ code: 'UNEXPECTED_RESPONSE', status: 404 });
		expect(sent).toHaveLength(3);
	});

	it('makes a read throw UNEXPECTED_RESPONSE', async () => {
		for (const [what, reply] of foreign) {
			for (const [name, read] of reads) {
				const { client } = clientOf(...repeated(reply));
				if (name === 'request' || (name === 'list' && what === 'a list')) continue;
				await expect(read(client), `${name}: ${what}`).rejects.toMatchObject({ code: 'UNEXPECTED_RESPONSE' });
			}
		}
	});

	it('is every redirect, which the message names and no call follows', async () => {
		for (const status of [301, 302, 303, 307, 308]) {
			const { client, sent } = clientOf(redirect(status));
			const failure = await client.update(ID, {}).catch((error) => error);
			expect(failure.message).toContain('redirects to https://elsewhere.test/sign-in');
			expect(sent.map(({ url }) => url.host)).toEqual(['api.test']);
		}
	});

	it('is one with the id of another request, once the network has shown that it keeps the ids', async () => {
		const echoing =
			(id?: string): Reply =>
			async (sent) => {
				const reply = succeeding();
				const response = typeof reply === 'function' ? await reply(sent) : (reply as Response);
				response.headers.set('X-Request-Id', id ?? sent.headers.get('X-Request-Id') ?? '');
				return response;
			};
		const rewriting = clientOf(echoing('proxy-1'), echoing('proxy-2'));
		await rewriting.client.append(ID, { type: 'note' });
		await rewriting.client.append(ID, { type: 'note' });
		const keeping = clientOf(echoing(), echoing('of-another-call'), echoing());
		await keeping.client.append(ID, { type: 'note' });
		await keeping.client.append(ID, { type: 'note' });
		expect(keeping.sent).toHaveLength(3);
	});
});

describe('a refusal of the service', () => {
	const refusals = [
		[400, 'VALIDATION_ERROR'],
		[401, 'UNAUTHORIZED'],
		[403, 'FORBIDDEN'],
		[404, 'SESSION_NOT_FOUND'],
		[412, 'PRECONDITION_FAILED'],
		[413, 'PAYLOAD_TOO_LARGE'],
	] as const;

	it('of the first attempt is the error of the call', async () => {
		for (const [status, code] of refusals) {
			for (const [name, write] of writes) {
				const { client, sent } = clientOf(refusal(status, code));
				await expect(write(client), name).rejects.toMatchObject({ status, code, requestId: 'request-1' });
				expect(sent).toHaveLength(1);
			}
		}
	});

	it('has a code that this client does not know only when it names the very request', async () => {
		const newer: Reply = ({ headers }) =>
			json(
				{ error: 'Too many.', code: 'QUOTA_OF_TOMORROW', requestId: headers.get('X-Request-Id') },
				{ status: 403 },
			);
		const { client } = clientOf(newer);
		await expect(client.append(ID, { type: 'note' })).rejects.toMatchObject({ code: 'QUOTA_OF_TOMORROW' });
	});

	it('that is a fault of the service leaves the outcome of a write unknown, and is retried', async () => {
		const fault = () => refusal(500, 'INTERNAL_ERROR');
		const { client, sent } = clientOf(fault(), succeeding());
		await client.append(ID, { type: 'note' });
		expect(sent).toHaveLength(2);
		const once = clientOf(fault());
		await expect(once.client.update(ID, {})).rejects.toMatchObject({
			code: 'OUTCOME_UNKNOWN',
			cause: { code: 'INTERNAL_ERROR' },
		});
		const read = clientOf(...repeated(fault));
		await expect(read.client.get(ID)).rejects.toMatchObject({ code: 'INTERNAL_ERROR' });
	});
});

describe('a deletion', () => {
	it('succeeds when a lost response is followed by SESSION_NOT_FOUND of the service, with or without a condition', async () => {
		for (const options of [{}, { ifMatch: '"1"' }]) {
			const { client } = clientOf('cut', refusal(404, 'SESSION_NOT_FOUND'));
			await expect(client.delete(ID, options)).resolves.toBeUndefined();
		}
	});

	it('does not succeed by any other 404', async () => {
		for (const reply of [html(404), () => refusal(404, 'NOT_FOUND'), () => refusal(404, 'NoSuchKey')]) {
			const { client } = clientOf('cut', ...repeated(reply));
			await expect(client.delete(ID)).rejects.toThrow();
		}
	});
});

describe('a service that cannot be reached', () => {
	const refused = () =>
		Object.assign(new TypeError('fetch failed'), {
			cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' }),
		});
	const unsent: [string, () => Error][] = [
		['Node', refused],
		[
			'Node with two addresses',
			() =>
				Object.assign(new TypeError('fetch failed'), {
					cause: Object.assign(new AggregateError([refused().cause, refused().cause]), {
						code: 'ECONNREFUSED',
					}),
				}),
		],
		[
			'Node without the host',
			() =>
				Object.assign(new TypeError('fetch failed'), {
					cause: { code: 'ENOTFOUND', syscall: 'getaddrinfo' },
				}),
		],
		['Bun', () => Object.assign(new Error('Unable to connect.'), { code: 'ConnectionRefused' })],
	];
	const failing = (errors: (Error | 'answer')[]) => {
		const left = [...errors];
		let count = 0;
		const client = createClient({
			baseUrl: 'https://api.test',
			token: 't',
			maxRetries: 2,
			async fetch() {
				count += 1;
				const next = left.shift();
				if (next instanceof Error) throw next;
				return json({ id: ID, status: 'failed' });
			},
		});
		return { client, count: () => count };
	};

	for (const [where, error] of unsent) {
		it(`is NETWORK_ERROR for every call, because nothing was sent: ${where}`, async () => {
			for (const [name, act] of [...writes, ...reads]) {
				const { client, count } = failing([error(), error(), error()]);
				await expect(act(client), name).rejects.toMatchObject({ code: 'NETWORK_ERROR', status: 0 });
				expect(count(), name).toBe(3);
			}
		});
	}

	it('does not settle the outcome of an earlier attempt', async () => {
		const { client } = failing([new TypeError('terminated'), refused(), refused()]);
		await expect(client.append(ID, { type: 'note' })).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
	});

	it('is tried again even by a write that is not safe to repeat', async () => {
		const { client, count } = failing([refused(), 'answer']);
		expect((await client.update(ID, { status: 'failed' })).status).toBe('failed');
		expect(count()).toBe(2);
	});

	it('leaves the outcome unknown where the runtime does not tell that nothing was sent', async () => {
		// Deno says this of its last try, and may have sent the request before on a connection that was closed.
		const deno = Object.assign(new TypeError('fetch failed'), {
			cause: new Error(
				'error sending request for url (http://a.test/): client error (Connect): tcp connect error',
			),
		});
		for (const error of [new TypeError('Failed to fetch'), new Error('Network connection lost.'), deno]) {
			const { client } = failing([error]);
			await expect(client.update(ID, {})).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
		}
	});
});

describe('a failure of the token function after a lost response', () => {
	it('leaves the outcome of a write unknown', async () => {
		const { fetch } = scriptedFetch('cut', refusal(401, 'UNAUTHORIZED'));
		const token = vi.fn().mockReturnValueOnce('one').mockRejectedValue(new Error('signed out'));
		const client = createClient({ baseUrl: 'https://api.test', token, fetch });
		await expect(client.append(ID, { type: 'note' })).rejects.toMatchObject({
			code: 'OUTCOME_UNKNOWN',
			cause: { message: 'signed out' },
		});
	});
});
