import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Server, startServer } from '../support/server.ts';

const SESSIONS = '/v1/products/generation/sessions';

let server: Server;
let key: string;
let id: string;
beforeAll(async () => {
	server = await startServer();
	key = await server.newKey();
	const created = await fetch(server.url + SESSIONS, { method: 'POST', headers: { Authorization: key } });
	id = ((await created.json()) as { id: string }).id;
});
afterAll(() => server.close());

interface RawAnswer {
	status: number;
	head: string;
	body: string;
}

/** Sends bytes over a new connection, and reads the response until the server closes it. */
function sendRaw(text: string): Promise<RawAnswer> {
	const { hostname, port } = new URL(server.url);
	return new Promise((resolve, reject) => {
		const socket = connect(Number(port), hostname);
		let received = '';
		socket.setEncoding('utf8');
		socket.on('data', (data) => {
			received += data;
		});
		socket.once('error', reject);
		socket.once('close', () => {
			const end = received.indexOf('\r\n\r\n');
			const head = received.slice(0, Math.max(end, 0));
			resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), head, body: received.slice(end + 4) });
		});
		socket.write(Buffer.from(text, 'latin1'));
	});
}

/** A request with a handwritten head. The connection closes after the response. */
const request = (line: string, headers: string[] = [], body = '') =>
	sendRaw(
		[
			`${line} HTTP/1.1`,
			'Host: localhost',
			`Authorization: Bearer ${key}`,
			'Connection: close',
			...headers,
			'',
			body,
		].join('\r\n'),
	);

const length = (body: string) => `Content-Length: ${Buffer.byteLength(body, 'latin1')}`;
const chunked = (...chunks: string[]) =>
	[...chunks, ''].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');

const JSON_TYPE = 'Content-Type: application/json';
const MAX_BODY = 2 * 1024 * 1024;
const here = (path = '') => `${SESSIONS}/${id}${path}`;
const codeOf = ({ body }: RawAnswer): unknown => (JSON.parse(body) as { code?: unknown }).code;

/** Every response of the service must match this, whatever the request was. */
function isOurs({ status, head, body }: RawAnswer): void {
	expect(status).toBeLessThan(500);
	expect(head).toMatch(/^x-request-id: [A-Za-z0-9._-]+\r?$/im);
	expect(head).toMatch(/^content-type: application\/json/im);
	if (status >= 400) expect(JSON.parse(body)).toEqual(expect.objectContaining({ code: expect.any(String) }));
}

describe('a body', () => {
	it.each([
		['is absent', [], ''],
		['is empty and chunked', ['Transfer-Encoding: chunked'], chunked()],
		['is empty and has a type', [JSON_TYPE, 'Content-Length: 0'], ''],
		['is empty and has another type', ['Content-Type: text/plain', 'Content-Length: 0'], ''],
	])('that %s is read as {} by create and update', async (_, headers, body) => {
		expect((await request(`POST ${SESSIONS}`, headers, body)).status).toBe(201);
		expect((await request(`PATCH ${here()}`, headers, body)).status).toBe(200);
	});

	it('that is empty is invalid JSON for append', async () => {
		const answer = await request(`POST ${here('/events')}`, [JSON_TYPE, 'Content-Length: 0']);
		expect([answer.status, codeOf(answer)]).toEqual([400, 'INVALID_JSON']);
	});

	it('in chunks is joined, wherever it is split', async () => {
		const bytes = Buffer.from('{"plan":{"é":"😀"}}').toString('latin1');
		const answer = await request(
			`PATCH ${here()}`,
			[JSON_TYPE, 'Transfer-Encoding: chunked'],
			chunked(...bytes),
		);
		expect([answer.status, answer.body]).toEqual([200, expect.stringContaining('"plan":{"é":"😀"},')]);
	});

	it('of 2 MiB is accepted with a Content-Length or in chunks, and one byte more returns 413', async () => {
		const body = (size: number) => '{"status":"generating"}'.padEnd(size);
		const whole = (size: number) =>
			request(`PATCH ${here()}`, [JSON_TYPE, `Content-Length: ${size}`], body(size));
		const inChunks = (size: number) => {
			const chunks = body(size).match(/.{1,65536}/g) ?? [];
			return request(`PATCH ${here()}`, [JSON_TYPE, 'Transfer-Encoding: chunked'], chunked(...chunks));
		};
		expect((await whole(MAX_BODY)).status).toBe(200);
		expect((await inChunks(MAX_BODY)).status).toBe(200);
		expect((await inChunks(MAX_BODY + 1)).status).toBe(413);
		// The body is only announced. The response does not wait for it.
		const announced = await request(`PATCH ${here()}`, [JSON_TYPE, `Content-Length: ${MAX_BODY + 1}`], '{}');
		expect([announced.status, codeOf(announced)]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
	});

	it('that is far too large returns 413 to a client that sends all of it first', async () => {
		for (const size of [MAX_BODY + 1, 3 * MAX_BODY, 8 * MAX_BODY]) {
			const answer = await fetch(server.url + here(), {
				method: 'PATCH',
				headers: { Authorization: key, 'Content-Type': 'application/json' },
				body: new Uint8Array(size).fill(0x20),
			});
			expect(answer.status).toBe(413);
			expect(await answer.json()).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
		}
	});

	it.each([
		['without a valid key', 401, 'rt_test_0000', SESSIONS],
		['at a path with nothing', 404, '', '/nothing'],
	])(
		'that nobody wants gets its response to a client that sends all of it first: %s',
		async (_, status, other, path) => {
			const size = 3 * MAX_BODY;
			const head = [
				`POST ${path} HTTP/1.1`,
				'Host: localhost',
				`Authorization: Bearer ${other || key}`,
				`Content-Length: ${size}`,
				'Connection: close',
				'',
				'',
			];
			const answer = await sendRaw(head.join('\r\n') + ' '.repeat(size));
			isOurs(answer);
			expect(answer.status).toBe(status);
		},
	);

	it('that is compressed or of another media type returns 415 whatever its bytes are', async () => {
		const zipped = gzipSync('{"status":"failed"}').toString('latin1');
		for (const [headers, body] of [
			[[JSON_TYPE, 'Content-Encoding: gzip'], zipped],
			[[JSON_TYPE, 'Content-Encoding: br'], '{}'],
			[['Content-Type: text/plain; charset=iso-8859-1'], '\xe9'],
			[['Content-Type: multipart/form-data; boundary=x'], '--x--\xff'],
			[[JSON_TYPE, 'Content-Type: text/plain'], '{}'],
			[['Content-Type: application/jsonx'], '{}'],
			[['Content-Type: json'], '{}'],
			[['Content-Type: ,'], '{}'],
			[['Content-Type: ;application/json'], '{}'],
		] as [string[], string][]) {
			for (const line of [`PATCH ${here()}`, `POST ${here('/events')}`, `POST ${SESSIONS}`]) {
				const answer = await request(line, [...headers, length(body)], body);
				expect([line, headers, answer.status]).toEqual([line, headers, 415]);
			}
		}
	});

	it.each([
		'APPLICATION/JSON',
		'application/json;charset=UTF-8',
		'application/json ; charset="utf-8"; a=b',
		'application/json;',
		'application/json; charset=iso-8859-1',
		'Application/Merge-Patch+JSON; charset=utf-8',
	])('of the type %s is read, as UTF-8', async (type) => {
		const body = Buffer.from(`{"plan":{"sent":${JSON.stringify(`é ${type}`)}}}`).toString('latin1');
		const { status, body: text } = await request(
			`PATCH ${here()}`,
			[`Content-Type: ${type}`, length(body)],
			body,
		);
		expect([status, text]).toEqual([200, expect.stringContaining(JSON.stringify(`é ${type}`))]);
	});

	it('is ignored on GET and DELETE', async () => {
		const body = 'nonsense';
		expect((await request(`GET ${here()}`, [JSON_TYPE, length(body)], body)).status).toBe(200);
		const gone = await request(`DELETE ${SESSIONS}/sess_01k2vxq8f3e7ttyyds0t6w2h4b`, [length(body)], body);
		expect([gone.status, codeOf(gone)]).toEqual([404, 'SESSION_NOT_FOUND']);
	});
});

describe('a method', () => {
	it.each(['PUT', 'TRACE', 'OPTIONS', 'PROPFIND', 'PURGE'])(
		'%s returns 405 with Allow on an existing path',
		async (method) => {
			for (const [path, allow] of [
				[SESSIONS, 'GET, HEAD, POST'],
				[here(), 'GET, HEAD, PATCH, DELETE'],
				[here('/events'), 'GET, HEAD, POST'],
			]) {
				const answer = await request(`${method} ${path}`);
				isOurs(answer);
				expect([answer.status, /^allow: (.*?)\r?$/im.exec(answer.head)?.[1]]).toEqual([405, allow]);
			}
			expect((await request(`${method} /nothing`)).status).toBe(404);
		},
	);

	it('responds to HEAD like to GET, without a body', async () => {
		for (const path of [SESSIONS, here(), here('/events'), '/nothing']) {
			const [get, head] = [await request(`GET ${path}`), await request(`HEAD ${path}`)];
			expect([path, head.status, head.body]).toEqual([path, get.status, '']);
			const tag = /^etag: .*$/im;
			expect(tag.exec(head.head)?.[0]).toBe(tag.exec(get.head)?.[0]);
		}
	});
});

describe('a query', () => {
	it.each([
		'limit=%00',
		'limit=%ff',
		'limit=+1',
		'limit=1;offset=2',
		'limit=1%0d%0aX:1',
		'status=intake&status=intake',
		'offset=0x1',
	])('?%s returns 400', async (query) => {
		const answer = await request(`GET ${SESSIONS}?${query}`);
		expect([answer.status, codeOf(answer)]).toEqual([400, 'VALIDATION_ERROR']);
	});

	it.each(['%C0%AF', '%', '%FF', '%F0%9F%98%80', "'%20OR%201=1--", '%E2%80%A8'])(
		'?status=%s has a status that no session has, and returns an empty page',
		async (status) => {
			const { status: code, body } = await request(`GET ${SESSIONS}?status=${status}`);
			expect([code, JSON.parse(body)]).toEqual([
				200,
				{ data: [], pagination: { limit: 20, offset: 0, total: 0 } },
			]);
		},
	);

	it.each([
		'limit[]=1',
		'%',
		'%zz=1',
		'=',
		'&&&',
		'?limit=x',
		'__proto__=1',
		'constructor[prototype]=1',
		'toString',
		`x=${'y'.repeat(30_000)}`,
	])('?%s has only unknown parameters, which are ignored', async (query) => {
		expect((await request(`GET ${SESSIONS}?${query}`)).status).toBe(200);
	});
});

describe('a path', () => {
	it.each([
		'%2F',
		'..%2f..%2f..%2fetc%2fpasswd',
		'%2e%2e%5c',
		'%00',
		'%ff',
		'%E0%A4%A',
		"'",
		'%27%20OR%201=1--',
		'*',
		'%25',
		'null',
		`sess_${'0'.repeat(26)}`,
		`sess_${'z'.repeat(26)}`,
		'a'.repeat(20_000),
		'%F0%9F%98%80',
		'__proto__',
		'constructor',
		'%0d%0aX:1',
	])('with %s for an id returns 404 for every call', async (part) => {
		for (const line of [
			`GET ${SESSIONS}/${part}`,
			`DELETE ${SESSIONS}/${part}`,
			`GET ${SESSIONS}/${part}/events`,
		]) {
			const answer = await request(line);
			isOurs(answer);
			expect([answer.status, codeOf(answer)]).toEqual([404, 'SESSION_NOT_FOUND']);
		}
		for (const line of [`PATCH ${SESSIONS}/${part}`, `POST ${SESSIONS}/${part}/events`]) {
			const answer = await request(line, [JSON_TYPE, 'Content-Length: 12'], '{"type":"t"}');
			expect([answer.status, codeOf(answer)]).toEqual([404, 'SESSION_NOT_FOUND']);
		}
	});

	it('with extra characters after an id returns 404', async () => {
		for (const rest of ['%00', '%20', '%2Fevents', '%0A', '.json', ';a=b', 'x']) {
			expect((await request(`GET ${here(rest)}`)).status).toBe(404);
		}
		expect((await request(`GET ${SESSIONS}/${id.toUpperCase()}`)).status).toBe(404);
	});

	it('outside the API returns NOT_FOUND', async () => {
		for (const path of [
			`${SESSIONS}//`,
			`/${SESSIONS}`,
			`${SESSIONS}/../../x`,
			here('//events'),
			here('/events/evt_1'),
			SESSIONS.toUpperCase(),
		]) {
			const answer = await request(`GET ${path}`);
			expect([path, answer.status, codeOf(answer)]).toEqual([path, 404, 'NOT_FOUND']);
		}
	});
});

// An empty If-Match cannot be tested: workerd treats it as missing.
describe('a header', () => {
	it.each([
		'X-Request-Id: a\tb',
		'X-Request-Id: \xe9<script>',
		`X-Request-Id: ${'x'.repeat(9000)}`,
		'If-None-Match: ""',
		'If-None-Match: \xff, W/',
		'X-D1-Bookmark: nonsense',
		`X-D1-Bookmark: ${'f'.repeat(8)}-${'f'.repeat(8)}-${'f'.repeat(8)}-${'f'.repeat(32)}`,
		`X-D1-Bookmark: ${'z'.repeat(9000)}`,
		'Range: bytes=0-1',
		'X-HTTP-Method-Override: DELETE',
		'Accept: text/html',
		'Cookie: a=\xff',
		`X-Anything: ${'y'.repeat(60_000)}`,
		'Expect: 100-continue',
		'If-Modified-Since: yesterday',
	])('%s does not affect a read', async (header) => {
		const answer = await request(`GET ${here()}`, [header]);
		isOurs(answer);
		expect([answer.status, answer.body]).toEqual([200, expect.stringContaining(`"id":"${id}"`)]);
		expect(answer.head).not.toContain('script');
	});

	it.each(['', 'a b', '\xe9', 'x'.repeat(256), 'a, b\tc'])(
		'Idempotency-Key: %j returns 400',
		async (value) => {
			const answer = await request(`POST ${SESSIONS}`, [`Idempotency-Key: ${value}`]);
			expect([answer.status, codeOf(answer)]).toEqual([400, 'VALIDATION_ERROR']);
		},
	);

	it.each([
		'""',
		'x',
		'"x',
		'W/"1"',
		'"1e0"',
		'"01"',
		'"-1"',
		'"9999999999999999999"',
		'\xff',
		'"1" "2',
		`"${'9'.repeat(9000)}"`,
	])('If-Match: %j matches nothing', async (value) => {
		const body = '{"status":"failed"}';
		const answer = await request(`PATCH ${here()}`, [JSON_TYPE, `If-Match: ${value}`, length(body)], body);
		expect([answer.status, codeOf(answer)]).toEqual([412, 'PRECONDITION_FAILED']);
	});
});
