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

	it('of details is that of the latest change, until an event is appended', async () => {
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
	it('answers 304 without a body while nothing has changed', async () => {
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

describe('If-Match on PATCH', () => {
	it('lets the current tag, a list with it and * through', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		let tag = '"1"';
		for (const sent of [() => tag, () => `"99", ${tag}`, () => '*', () => ` ${tag} , W/"1"`]) {
			const { status, headers } = await patchIf(caller, id, sent());
			expect(status).toBe(200);
			tag = headers.get('ETag') ?? '';
		}
	});

	it.each(['"99"', '"0"', 'W/"1"', 'nonsense', '"nonsense"', '"1', '""', '"1-1"', '"1 OR 1"'])(
		'refuses %s, changes nothing, and tells the current tag',
		async (sent) => {
			const caller = await newCaller();
			const session = await caller.create();
			const { status, json, headers } = await patchIf(caller, session.id, sent);
			expect([status, json.code, headers.get('ETag')]).toEqual([412, 'PRECONDITION_FAILED', '"1"']);
			expect(await caller.details(session.id)).toEqual({ ...session, events: [] });
		},
	);

	it('holds for a PATCH that sends no known field, and for a merge', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		expect((await patchIf(caller, id, '"9"', {})).status).toBe(412);
		for (const body of [{ plan: { a: 1 } }, { productObject: { a: 1 } }]) {
			const headers = { 'Content-Type': 'application/merge-patch+json', 'If-Match': '"9"' };
			expect((await caller.call('PATCH', at(id), { body, headers })).status).toBe(412);
		}
	});

	it('is not made stale by events, whichever answer the tag is from', async () => {
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

	it.each(['"1"', '*', '"99"'])('with %s on a missing session is a 404', async (sent) => {
		const caller = await newCaller();
		const { status, json } = await patchIf(caller, 'sess_01k2vxq8f3e7ttyyds0t6w2h4b', sent);
		expect([status, json.code]).toEqual([404, 'SESSION_NOT_FOUND']);
	});

	it.each(['application/json', 'application/merge-patch+json'])(
		'lets exactly one of 20 concurrent writers with one tag win, in each of 5 rounds (%s)',
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
