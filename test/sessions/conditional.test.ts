import { describe, expect, it } from 'vitest';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';

const at = (id: string) => `${SESSIONS}/${id}`;
const patchIf = (caller: Caller, id: string, ifMatch: string, body: unknown = { plan: { a: 1 } }) =>
	caller.call('PATCH', at(id), { body, headers: { 'If-Match': ifMatch } });

describe('an ETag', () => {
	it('is strong, and changes with each change of the session', async () => {
		const caller = await newCaller();
		const created = await caller.call('POST', SESSIONS, { body: {} });
		const id = String(created.json.id);
		const tags = [created.headers.get('ETag')];
		for (const body of [{ plan: {} }, { plan: {} }, { status: 'failed' }]) {
			tags.push((await caller.call('PATCH', at(id), { body })).headers.get('ETag'));
		}
		expect(new Set(tags).size).toBe(4);
		for (const tag of tags) expect(tag).toMatch(/^"[^"]+"$/);
	});

	it('of details equals that of the latest change until an event is appended', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const patched = await caller.call('PATCH', at(id), { body: { plan: {} } });
		const tag = (await caller.call('GET', at(id))).headers.get('ETag');
		expect(tag).toBe(patched.headers.get('ETag'));
		await caller.append(id);
		expect((await caller.call('GET', at(id))).headers.get('ETag')).not.toBe(tag);
	});
});

describe('If-None-Match on details', () => {
	it('returns 304 without a body while nothing has changed', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.append(id);
		const etag = (await caller.call('GET', at(id))).headers.get('ETag') ?? '';
		for (const sent of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
			const { status, text, headers } = await caller.call('GET', at(id), {
				headers: { 'If-None-Match': sent },
			});
			expect([sent, status, text, headers.get('ETag')]).toEqual([sent, 304, '', etag]);
		}
		await caller.append(id);
		expect((await caller.call('GET', at(id), { headers: { 'If-None-Match': etag } })).status).toBe(200);
	});

	it('does not hide that a session is missing', async () => {
		const caller = await newCaller();
		const answer = await caller.call('GET', at('sess_01k2vxq8f3e7ttyyds0t6w2h4b'), {
			headers: { 'If-None-Match': '*' },
		});
		expect(answer.status).toBe(404);
	});
});

describe('If-Match on details', () => {
	it('returns the session while the tag is current, whatever events were appended', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.append(id);
		for (const sent of ['"1"', '"1.1"', 'W/"1.1"', '*', '"7", "1"']) {
			const { status } = await caller.call('GET', at(id), { headers: { 'If-Match': sent } });
			expect([sent, status]).toEqual([sent, 200]);
		}
	});

	it('returns 412 with the current tag when the tag is stale, whatever If-None-Match says', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.append(id);
		const headers = { 'If-Match': '"7"', 'If-None-Match': '"1.1"' };
		const { status, json, headers: answered } = await caller.call('GET', at(id), { headers });
		expect([status, json.code, answered.get('ETag')]).toEqual([412, 'PRECONDITION_FAILED', '"1.1"']);
	});
});

describe('If-None-Match on a write', () => {
	it.each(['PATCH', 'DELETE'])(
		'of %s returns 412 for * and for the current tag, and changes nothing',
		async (method) => {
			const caller = await newCaller();
			const session = await caller.create();
			await caller.append(session.id);
			for (const sent of ['*', '"1"', 'W/"1"', '"1.1"', '"7", "1"']) {
				const { status, json, headers } = await caller.call(method, at(session.id), {
					...(method === 'PATCH' ? { body: { plan: {} } } : {}),
					headers: { 'If-None-Match': sent },
				});
				expect([sent, status, json.code, headers.get('ETag')]).toEqual([
					sent,
					412,
					'PRECONDITION_FAILED',
					'"1.1"',
				]);
				// The session has not changed.
				expect(json.error).toBe('If-None-Match names the version of the session. Write without it.');
			}
			expect(await caller.details(session.id)).toMatchObject(session);
		},
	);

	it('allows a write with a tag that is not the current one', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const headers = { 'If-None-Match': '"7"' };
		expect((await caller.call('PATCH', at(id), { body: { plan: {} }, headers })).status).toBe(200);
		expect((await caller.call('DELETE', at(id), { headers })).status).toBe(200);
	});

	it('is checked in addition to If-Match', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const write = (ifMatch: string, ifNoneMatch: string) =>
			caller.call('PATCH', at(id), {
				body: { plan: {} },
				headers: { 'If-Match': ifMatch, 'If-None-Match': ifNoneMatch },
			});
		expect((await write('"1"', '"1"')).status).toBe(412);
		expect((await write('"7"', '"8"')).status).toBe(412);
		expect((await write('"1"', '"8"')).status).toBe(200);
	});

	it.each(['PATCH', 'DELETE'])('of %s returns 404 for a missing session', async (method) => {
		const caller = await newCaller();
		const { status } = await caller.call(method, at('sess_01k2vxq8f3e7ttyyds0t6w2h4b'), {
			...(method === 'PATCH' ? { body: { plan: {} } } : {}),
			headers: { 'If-None-Match': '*' },
		});
		expect(status).toBe(404);
	});
});

describe('If-Match on PATCH', () => {
	it('allows a write with the current tag, its weak form, a list that contains it, or *', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		let tag = '"1"';
		const forms = [
			() => tag,
			() => `"99", ${tag}`,
			() => '*',
			() => ` ${tag} , W/"1"`,
			() => `W/${tag}`,
			() => `W/"99", W/${tag}`,
		];
		for (const sent of forms) {
			const { status, headers } = await patchIf(caller, id, sent());
			expect(status).toBe(200);
			tag = headers.get('ETag') ?? '';
		}
	});

	it.each(['"99"', '"0"', 'W/"99"', 'nonsense', '"nonsense"', '"1', '""', '"1-1"', '"1 OR 1"'])(
		'returns 412 with the current tag for %s, and changes nothing',
		async (sent) => {
			const caller = await newCaller();
			const session = await caller.create();
			const { status, json, headers } = await patchIf(caller, session.id, sent);
			expect([status, json.code, headers.get('ETag')]).toEqual([412, 'PRECONDITION_FAILED', '"1"']);
			expect(await caller.details(session.id)).toEqual({ ...session, events: [] });
		},
	);

	it('is checked for a PATCH without known fields, and for a merge', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.append(id);
		const unchanged = await patchIf(caller, id, '"9"', {});
		expect([unchanged.status, unchanged.headers.get('ETag')]).toEqual([412, '"1.1"']);
		for (const body of [{ plan: { a: 1 } }, { productObject: { a: 1 } }]) {
			const headers = { 'Content-Type': 'application/merge-patch+json', 'If-Match': '"9"' };
			expect((await caller.call('PATCH', at(id), { body, headers })).status).toBe(412);
		}
	});

	it('does not become stale when an event is appended, whichever response the tag is from', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.append(id);
		const tag = (await caller.call('GET', at(id))).headers.get('ETag') ?? '';
		await caller.append(id);
		const { status, headers } = await patchIf(caller, id, tag);
		expect(status).toBe(200);
		await caller.append(id);
		expect((await patchIf(caller, id, headers.get('ETag') ?? '')).status).toBe(200);
	});

	it.each(['"1"', '*', '"99"'])('with %s on a missing session returns 404', async (sent) => {
		const caller = await newCaller();
		const { status, json } = await patchIf(caller, 'sess_01k2vxq8f3e7ttyyds0t6w2h4b', sent);
		expect([status, json.code]).toEqual([404, 'SESSION_NOT_FOUND']);
	});

	it.each(['application/json', 'application/merge-patch+json'])(
		'allows exactly one of 20 concurrent writers with the same tag, in each of 5 rounds (%s)',
		async (type) => {
			const caller = await newCaller();
			const { id } = await caller.create();
			let tag = '"1"';
			for (let round = 0; round < 5; round += 1) {
				const answers = await Promise.all(
					Array.from({ length: 20 }, (_, n) =>
						caller.call('PATCH', at(id), {
							body: { productObject: { winner: n } },
							headers: { 'If-Match': tag, 'Content-Type': type },
						}),
					),
				);
				const winners = answers.filter(({ status }) => status === 200);
				expect(winners).toHaveLength(1);
				expect(answers.filter(({ status }) => status === 412)).toHaveLength(19);
				expect((await caller.details(id)).productObject).toEqual(winners[0]?.json.productObject);
				tag = winners[0]?.headers.get('ETag') ?? '';
			}
		},
	);
});

describe('If-Match on DELETE', () => {
	it('keeps a session whose tag is stale and deletes one whose tag is current', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const stale = await caller.call('DELETE', at(id), { headers: { 'If-Match': '"7"' } });
		expect([stale.status, stale.headers.get('ETag')]).toEqual([412, '"1"']);
		expect((await caller.details(id)).id).toBe(id);
		expect((await caller.call('DELETE', at(id), { headers: { 'If-Match': '"1"' } })).json).toEqual({
			success: true,
		});
		expect((await caller.call('DELETE', at(id), { headers: { 'If-Match': '"1"' } })).status).toBe(404);
	});
});
