import { describe, expect, it } from 'vitest';
import { type Answer, type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { objectOf } from '../support/object-of.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const MERGE_TYPE = { 'Content-Type': 'application/merge-patch+json' };
const OBJECT_FIELDS = ['assemblyState', 'plan', 'prd', 'productObject'];
const MAX_BODY = 2 * 1024 * 1024;
const MAX_OBJECT = 400_000;
const MAX_PAYLOAD = 65_536;

/** Nested objects and arrays, of which the outermost is an object. */
const nested = (levels: number, kind: 'objects' | 'arrays' | 'both'): string => {
	const isArray = (level: number) => kind === 'arrays' || (kind === 'both' && level % 2 === 1);
	let [open, close] = ['', ''];
	for (let level = 1; level < levels; level += 1) {
		open += isArray(level) ? '[' : '{"a":';
		close = (isArray(level) ? ']' : '}') + close;
	}
	// The innermost array is empty. The innermost object holds a number.
	return `{"a":${open}${open.endsWith('[') ? '' : '0'}${close}}`;
};

const patch = (caller: Caller, id: string, raw: BodyInit, headers: Record<string, string> = JSON_TYPE) =>
	caller.call('PATCH', `${SESSIONS}/${id}`, { raw, headers });
const append = (caller: Caller, id: string, body: unknown) =>
	caller.call('POST', `${SESSIONS}/${id}/events`, { body });

function refuses({ status, json }: Answer, wanted: number, code: string, path?: string): void {
	expect([status, json]).toMatchObject([wanted, { code, ...(path ? { details: [{ path }] } : {}) }]);
}

/** Makes a call that must be rejected, and expects that it stores nothing. */
async function changesNothing(
	call: (caller: Caller, id: string) => Promise<Answer>,
	status: number,
	code: string,
	path?: string,
): Promise<void> {
	const caller = await newCaller();
	const { id } = await caller.create({ prd: { kept: 1 } });
	const before = (await caller.call('GET', `${SESSIONS}/${id}`)).text;
	refuses(await call(caller, id), status, code, path);
	expect((await caller.call('GET', `${SESSIONS}/${id}`)).text).toBe(before);
}

/** A body that arrives in pieces, without a Content-Length. */
const streamed = (text: string): ReadableStream<Uint8Array> => {
	const whole = new TextEncoder().encode(text);
	let at = 0;
	return new ReadableStream({
		type: 'bytes',
		pull(controller: ReadableByteStreamController) {
			if (at >= whole.byteLength) return controller.close();
			controller.enqueue(whole.slice(at, at + 65_536));
			at += 65_536;
		},
	});
};

describe('a body of 2 MiB', () => {
	const padded = (size: number) => {
		const start = '{"status":"generating","unknown":"';
		return `${start}${'x'.repeat(size - start.length - 2)}"}`;
	};

	it.each([
		['with a Content-Length', (text: string): BodyInit => text],
		['without one', streamed],
	])('is accepted %s, and one byte more is rejected', async (_, body) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { status, json } = await patch(caller, id, body(padded(MAX_BODY)));
		expect([status, json.status]).toEqual([200, 'generating']);
		await changesNothing(
			(other, otherId) => patch(other, otherId, body(padded(MAX_BODY + 1))),
			413,
			'PAYLOAD_TOO_LARGE',
		);
	});

	it('is rejected as soon as it exceeds the limit, before all of it has arrived', async () => {
		let sent = 0;
		const endless = new ReadableStream<Uint8Array>({
			pull(controller) {
				sent += 65_536;
				// The body exceeds the limit and then never ends: reading all of it would hang.
				if (sent <= 4 * MAX_BODY) controller.enqueue(new Uint8Array(65_536).fill(0x20));
			},
		});
		await changesNothing((caller, id) => patch(caller, id, endless), 413, 'PAYLOAD_TOO_LARGE');
	});
});

describe('a body that breaks off', () => {
	it.each([
		['with a Content-Length', { 'Content-Length': '100' }],
		['without one', {}],
	])('returns 400 %s, because only its sender can have ended it', async (_, length) => {
		// The service is called in this isolate: the runtime would turn the error into the end of the body.
		const caller = await newCaller({ fetcher: serviceWith({}) });
		const { id } = await caller.create();
		const broken = new ReadableStream<Uint8Array>({
			pull(controller) {
				controller.error(new Error('Network connection lost.'));
			},
		});
		const headers = { ...JSON_TYPE, ...length };
		refuses(await patch(caller, id, broken, headers), 400, 'INVALID_JSON');
	});
});

describe('an object of 400,000 bytes', () => {
	it.each(['x', 'é', '€', '😀'])('of %s is stored in every field and comes back', async (fill) => {
		const object = objectOf(MAX_OBJECT, fill);
		const caller = await newCaller();
		const { id } = await caller.create();
		for (const field of OBJECT_FIELDS) {
			const { status, text } = await patch(caller, id, `{"${field}":${object}}`);
			expect(status).toBe(200);
			expect(text.includes(`"${field}":${object}`)).toBe(true);
		}
	});

	it.each(OBJECT_FIELDS.flatMap((field) => ['x', 'é', '😀'].map((fill) => [field, fill] as const)))(
		'and one more is too large: %s of %s',
		(field, fill) =>
			changesNothing(
				(caller, id) => patch(caller, id, `{"status":"failed","${field}":${objectOf(MAX_OBJECT + 1, fill)}}`),
				413,
				'PAYLOAD_TOO_LARGE',
			),
	);

	it('is accepted by create, and one byte more is rejected', async () => {
		const caller = await newCaller();
		const create = (size: number) =>
			caller.call('POST', SESSIONS, { raw: `{"prd":${objectOf(size)}}`, headers: JSON_TYPE });
		const { status, text } = await create(MAX_OBJECT);
		expect([status, text.includes(objectOf(MAX_OBJECT))]).toEqual([201, true]);
		refuses(await create(MAX_OBJECT + 1), 413, 'PAYLOAD_TOO_LARGE');
		const { json } = await caller.call<{ pagination: unknown }>('GET', SESSIONS);
		expect(json.pagination).toMatchObject({ total: 1 });
	});

	it.each(['plan', 'productObject'])(
		'can be the result of a merge into %s, and one byte more is rejected',
		async (field) => {
			const caller = await newCaller();
			const { id } = await caller.create();
			const half = (name: string, size: number) => `{"${field}":{"${name}":"${'x'.repeat(size)}"}}`;
			// {"a":"…","b":"…"} has 15 bytes besides the contents of the two strings.
			await patch(caller, id, half('a', 200_000), MERGE_TYPE);
			expect((await patch(caller, id, half('b', 199_985), MERGE_TYPE)).status).toBe(200);
			const before = (await caller.call('GET', `${SESSIONS}/${id}`)).text;
			refuses(await patch(caller, id, half('b', 199_986), MERGE_TYPE), 413, 'PAYLOAD_TOO_LARGE');
			expect((await caller.call('GET', `${SESSIONS}/${id}`)).text).toBe(before);
		},
	);

	it('is measured in its stored form, without white space and needless escapes', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const object = objectOf(MAX_OBJECT);
		const escaped = object.replace(/x{50000}/, '\\u0078'.repeat(50_000));
		const spaced = `{${' '.repeat(200_000)}"plan" :\n${escaped}\t}`;
		const { status, text } = await patch(caller, id, spaced);
		expect([status, text.includes(`"plan":${object}`)]).toEqual([200, true]);
	});

	it('is measured with its necessary escapes', () =>
		changesNothing(
			(caller, id) => patch(caller, id, `{"plan":{"a":"${'\\n'.repeat(199_997)}"}}`),
			413,
			'PAYLOAD_TOO_LARGE',
		));

	it('in all four fields at once is accepted and returned by every call', async () => {
		const caller = await newCaller();
		const object = objectOf(MAX_OBJECT, '😀');
		const created = await caller.call('POST', SESSIONS, { raw: `{"prd":${object}}`, headers: JSON_TYPE });
		const path = `${SESSIONS}/${created.json.id}`;
		const all = `{${OBJECT_FIELDS.map((field) => `"${field}":${object}`).join(',')}}`;
		const patched = await caller.call('PATCH', path, { raw: all, headers: JSON_TYPE });
		const merged = await caller.call('PATCH', path, { raw: all, headers: MERGE_TYPE });
		const [details, list] = [await caller.call('GET', path), await caller.call('GET', SESSIONS)];
		for (const { status, text } of [patched, merged, details, list]) {
			expect([status, text.split(object).length - 1]).toEqual([200, 4]);
		}
	});
});

describe('an event’s payload of 64 KiB', () => {
	it.each(['x', 'é', '😀'])('of %s is stored and comes back, and one byte more is rejected', async (fill) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const send = (size: number) =>
			caller.call('POST', `${SESSIONS}/${id}/events`, {
				raw: `{"type":"t","payload":${objectOf(size, fill)}}`,
				headers: JSON_TYPE,
			});
		const { status, text } = await send(MAX_PAYLOAD);
		expect([status, text.includes(objectOf(MAX_PAYLOAD, fill))]).toEqual([201, true]);
		refuses(await send(MAX_PAYLOAD + 1), 413, 'PAYLOAD_TOO_LARGE');
		expect((await caller.details(id)).events).toHaveLength(1);
	});
});

describe('a nesting of 100 levels', () => {
	it.each(['objects', 'arrays', 'both'] as const)('of %s is stored and comes back', async (kind) => {
		const caller = await newCaller();
		const object = nested(100, kind);
		const { id } = await caller.create();
		for (const type of [JSON_TYPE, MERGE_TYPE]) {
			const { status, text } = await patch(caller, id, `{"plan":${object}}`, type);
			expect([status, text.includes(`"plan":${object}`)]).toEqual([200, true]);
		}
		const created = await caller.call('POST', SESSIONS, { raw: `{"prd":${object}}`, headers: JSON_TYPE });
		expect(created.text).toContain(object);
		const event = await caller.call('POST', `${SESSIONS}/${id}/events`, {
			raw: `{"type":"t","payload":${object}}`,
			headers: JSON_TYPE,
		});
		expect(event.text).toContain(object);
	});

	it.each(['objects', 'arrays', 'both'] as const)(
		'is the limit: one more level of %s is rejected',
		async (kind) => {
			const object = nested(101, kind);
			for (const type of [JSON_TYPE, MERGE_TYPE]) {
				await changesNothing(
					(caller, id) => patch(caller, id, `{"plan":${object}}`, type),
					400,
					'VALIDATION_ERROR',
					'plan',
				);
			}
			await changesNothing(
				(caller, id) =>
					caller.call('POST', `${SESSIONS}/${id}/events`, {
						raw: `{"type":"t","payload":${object}}`,
						headers: JSON_TYPE,
					}),
				400,
				'VALIDATION_ERROR',
				'payload',
			);
		},
	);

	it.each([
		['arrays in a field', `{"plan":{"a":${'['.repeat(400_000)}${']'.repeat(400_000)}}}`, 'plan'],
		['objects in a field', `{"plan":${'{"":'.repeat(200_000)}0${'}'.repeat(200_000)}}`, 'plan'],
		['arrays as the body', `${'['.repeat(400_000)}${']'.repeat(400_000)}`, ''],
	])('is the limit: hundreds of thousands of %s are rejected', (_, body, path) =>
		changesNothing((caller, id) => patch(caller, id, body), 400, 'VALIDATION_ERROR', path),
	);

	it('is not checked in an unknown field, which is ignored at any depth', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const deep = `${'['.repeat(400_000)}${']'.repeat(400_000)}`;
		const { status, json } = await patch(caller, id, `{"events":${deep},"plan":{"b":1,"1":-0}}`);
		expect([status, json.plan]).toEqual([200, { b: 1, 1: -0 }]);
		const { text } = await caller.call('GET', `${SESSIONS}/${id}`);
		expect(text).toContain('"plan":{"b":1,"1":-0}');
	});

	it('is the limit: hundreds of thousands of levels that are never closed are rejected', () =>
		changesNothing(
			(caller, id) => patch(caller, id, `{"plan":${'['.repeat(1_000_000)}`),
			400,
			'INVALID_JSON',
		));
});

describe('a string', () => {
	it.each(['x', 'é', '😀'])(
		'of %s comes back at its limit, and is rejected one character above it',
		async (fill) => {
			const caller = await newCaller();
			const [name, message] = [fill.repeat(255), fill.repeat(10_000)];
			const versions = { catalogVersion: name, schemaVersion: name };
			const session = await caller.create(versions);
			expect(session).toMatchObject(versions);
			const hash = { productObjectHash: name };
			expect((await patch(caller, session.id, JSON.stringify(hash))).json).toMatchObject(hash);
			expect((await patch(caller, session.id, JSON.stringify(hash), MERGE_TYPE)).json).toMatchObject(hash);
			const event = { type: name, stage: name, message };
			expect((await append(caller, session.id, event)).json).toMatchObject(event);
			for (const field of ['catalogVersion', 'schemaVersion']) {
				const answer = await caller.call('POST', SESSIONS, { body: { [field]: name + fill } });
				refuses(answer, 400, 'VALIDATION_ERROR', field);
			}
			for (const type of [JSON_TYPE, MERGE_TYPE]) {
				const answer = await patch(
					caller,
					session.id,
					JSON.stringify({ productObjectHash: name + fill }),
					type,
				);
				refuses(answer, 400, 'VALIDATION_ERROR', 'productObjectHash');
			}
			for (const [field, most] of Object.entries(event)) {
				const answer = await append(caller, session.id, { ...event, [field]: most + fill });
				refuses(answer, 400, 'VALIDATION_ERROR', field);
			}
			expect((await caller.details(session.id)).events).toHaveLength(1);
		},
	);

	it('may be empty, except for an event’s type', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ catalogVersion: '', schemaVersion: '' });
		expect((await patch(caller, id, '{"productObjectHash":""}')).json).toMatchObject({
			catalogVersion: '',
			schemaVersion: '',
			productObjectHash: '',
		});
		expect((await append(caller, id, { type: ' ', message: '', stage: '' })).json).toMatchObject({
			message: '',
			stage: '',
		});
	});
});
