import { describe, expect, it } from 'vitest';
import { newCaller, SESSIONS } from '../support/api.ts';
import { query } from '../support/database.ts';

const FIELDS = [
	'assemblyState',
	'catalogVersion',
	'createdAt',
	'expiresAt',
	'id',
	'organizationId',
	'plan',
	'prd',
	'productObject',
	'productObjectHash',
	'schemaVersion',
	'status',
	'updatedAt',
	'userId',
];

describe('updating a session', () => {
	it('returns all 14 fields in order', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const answer = await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { status: 'generating' } });
		expect(answer.status).toBe(200);
		expect(Object.keys(answer.json)).toEqual(FIELDS);
		expect(answer.json).toMatchObject({
			id,
			status: 'generating',
			userId: caller.userId,
			organizationId: null,
		});
	});

	it('replaces each field in the body, and leaves the others unchanged', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ prd: { a: 1 }, catalogVersion: 'c' });
		await caller.call('PATCH', `${SESSIONS}/${id}`, {
			body: { plan: { x: 1, y: 2 }, assemblyState: { s: 1 } },
		});
		const { json } = await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: { z: 3 } } });
		expect(json).toMatchObject({
			plan: { z: 3 },
			prd: { a: 1 },
			assemblyState: { s: 1 },
			catalogVersion: 'c',
		});
	});

	it.each([
		['replacing', 'application/json'],
		['merging', 'application/merge-patch+json'],
	])('never sets updatedAt back when %s, even if another clock was ahead', async (_, type) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const ahead = '2998-01-01T00:00:00.000Z';
		await query('UPDATE sessions SET updated_at = ? WHERE id = ?', ahead, id);
		const { status, json } = await caller.call('PATCH', `${SESSIONS}/${id}`, {
			body: { plan: { a: 1 } },
			headers: { 'Content-Type': type },
		});
		expect([status, json.updatedAt]).toEqual([200, ahead]);
	});

	it('ignores fields that the call does not define', async () => {
		const caller = await newCaller();
		const session = await caller.create({ catalogVersion: 'c' });
		const whole = {
			...session,
			prd: {},
			plan: {},
			assemblyState: {},
			productObject: {},
			productObjectHash: 'h',
		};
		const { status, json } = await caller.call('PATCH', `${SESSIONS}/${session.id}`, {
			body: { ...whole, userId: 'somebody', catalogVersion: 'other', id: 'x' },
		});
		expect(status).toBe(200);
		expect(json).toMatchObject({
			id: session.id,
			userId: caller.userId,
			catalogVersion: 'c',
			productObjectHash: 'h',
		});
	});

	it('changes nothing, not even updatedAt and the ETag, when the body has no known field', async () => {
		const caller = await newCaller();
		const session = await caller.create();
		const { status, json, headers } = await caller.call('PATCH', `${SESSIONS}/${session.id}`, {
			body: { other: 1 },
		});
		expect(status).toBe(200);
		expect(json).toEqual(session);
		expect(headers.get('ETag')).toBe('"1"');
	});

	it.each([
		[{ status: 'nonsense' }, 'status'],
		[{ plan: null }, 'plan'],
		[{ plan: [] }, 'plan'],
		[{ prd: 'text' }, 'prd'],
		[{ productObjectHash: 5 }, 'productObjectHash'],
		[{ productObjectHash: 'x'.repeat(256) }, 'productObjectHash'],
		[[], ''],
		['text', ''],
		[null, ''],
	])('returns 400 with the path of the problem for %j', async (body, path) => {
		const caller = await newCaller();
		const session = await caller.create();
		const answer = await caller.call('PATCH', `${SESSIONS}/${session.id}`, { body });
		expect(answer.status).toBe(400);
		expect(answer.json).toMatchObject({ code: 'VALIDATION_ERROR', details: [{ path }] });
		expect(await caller.details(session.id)).toEqual({ ...session, events: [] });
	});

	it('returns each problem', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { json } = await caller.call<{ details: { path: string }[] }>('PATCH', `${SESSIONS}/${id}`, {
			body: { status: 'no', plan: 1, prd: 2 },
		});
		expect(json.details.map(({ path }) => path).sort()).toEqual(['plan', 'prd', 'status']);
	});

	it.each([
		['text/plain', '{}'],
		['application/x-www-form-urlencoded', '{}'],
		['', '{}'],
		['text/plain', 'not even JSON'],
	])('returns 415 for a body of type %j', async (type, raw) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { status, json } = await caller.call('PATCH', `${SESSIONS}/${id}`, {
			raw: new TextEncoder().encode(raw),
			headers: type ? { 'Content-Type': type } : {},
		});
		expect([status, json.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
	});

	it.each(['{', '{"plan":{}', 'nul', '{"a":1}x', '\u00ef\u00bb\u00bf{}', "{'a':1}"])(
		'returns 400 for the invalid JSON %j',
		async (raw) => {
			const caller = await newCaller();
			const { id } = await caller.create();
			const { status, json } = await caller.call('PATCH', `${SESSIONS}/${id}`, {
				raw,
				headers: { 'Content-Type': 'application/json; charset=utf-8' },
			});
			expect([status, json.code]).toEqual([400, 'INVALID_JSON']);
		},
	);

	it.each([undefined, 'application/json', 'application/merge-patch+json', 'text/plain'])(
		'treats a missing body as {}, with the Content-Type %s',
		async (contentType) => {
			const caller = await newCaller();
			const session = await caller.create({ prd: { a: 1 } });
			const headers: Record<string, string> =
				contentType === undefined ? {} : { 'Content-Type': contentType };
			for (const options of [{ headers }, { headers, raw: new Uint8Array() }]) {
				const answer = await caller.call('PATCH', `${SESSIONS}/${session.id}`, options);
				expect([answer.status, answer.json]).toEqual([200, session]);
				expect(answer.headers.get('ETag')).toBe('"1"');
			}
		},
	);

	it('returns 415 for a body without a Content-Type', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const raw = new TextEncoder().encode('{"status":"failed"}');
		const { status, json } = await caller.call('PATCH', `${SESSIONS}/${id}`, { raw });
		expect([status, json.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
	});

	it.each(['sess_01k2vxq8f3e7ttyyds0t6w2h4b', 'nonsense', 'sess_', '%00', '%E0%A4%A', 'a b'])(
		'returns 404 for the session %s',
		async (id) => {
			const caller = await newCaller();
			const { status, json } = await caller.call('PATCH', `${SESSIONS}/${id}`, {
				body: { status: 'failed' },
			});
			expect([status, json.code]).toEqual([404, 'SESSION_NOT_FOUND']);
		},
	);
});
