import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { merge } from '../../scripts/conformance/merge.ts';
import { type Json, Members, readObject, writeJson } from '../../scripts/conformance/ordered-json.ts';
import { anyObject, type Sent } from '../model/arbitraries.ts';
import { runs } from '../model/runs.ts';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { expire, query } from '../support/database.ts';
import { near } from '../support/several-databases.ts';

const MERGE = { 'Content-Type': 'application/merge-patch+json' };

interface Version {
	afterEvent: string | null;
	changed: string[];
	etag: string;
	status: string;
	updatedAt: string;
	version: number;
}
interface Page {
	data: Version[];
	hasMore: boolean;
}

const versionsOf = async (caller: Caller, id: string, query = '?limit=100'): Promise<Page> => {
	const answer = await caller.call<Page>('GET', `${SESSIONS}/${id}/versions${query}`);
	expect(answer.status).toBe(200);
	return answer.json;
};
const numbersOf = async (caller: Caller, id: string): Promise<number[]> =>
	(await versionsOf(caller, id)).data.map(({ version }) => version);
const patch = (caller: Caller, id: string, body: unknown) =>
	caller.call('PATCH', `${SESSIONS}/${id}`, { body });
const mergeInto = (caller: Caller, id: string, body: unknown) =>
	caller.call('PATCH', `${SESSIONS}/${id}`, { body, headers: MERGE });
const at = (caller: Caller, id: string, version: number, query = '') =>
	caller.call('GET', `${SESSIONS}/${id}?version=${version}${query}`);

describe('the versions of a session', () => {
	it('are one for each change, the newest first', async () => {
		const caller = await newCaller();
		const { id, createdAt } = await caller.create({ prd: { a: 1 } });
		await patch(caller, id, { plan: { a: 1 }, status: 'generating' });
		const event = await caller.append(id);
		const { json } = await mergeInto(caller, id, { productObject: { a: 1 }, ttlSeconds: 3600 });
		await patch(caller, id, {});
		const first = {
			afterEvent: null,
			changed: [],
			etag: '"1"',
			status: 'intake',
			updatedAt: createdAt,
			version: 1,
		};
		const { data, hasMore } = await versionsOf(caller, id);
		expect(data).toEqual([
			{
				afterEvent: event.id,
				changed: ['expiresAt', 'productObject', 'productObjectHash'],
				etag: '"3"',
				status: 'generating',
				updatedAt: json.updatedAt,
				version: 3,
			},
			{
				afterEvent: null,
				changed: ['plan', 'status'],
				etag: '"2"',
				status: 'generating',
				updatedAt: expect.any(String),
				version: 2,
			},
			first,
		]);
		expect(hasMore).toBe(false);
	});

	it('of a step names the last event of the step', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const events = [{ type: 'a' }, { type: 'b' }];
		const step = await caller.call<{ events: { id: string }[] }>('POST', `${SESSIONS}/${id}/steps`, {
			body: { events, patch: { plan: { a: 1 } } },
		});
		await caller.append(id);
		const { data } = await versionsOf(caller, id);
		expect(data.map(({ afterEvent }) => afterEvent)).toEqual([step.json.events[1]?.id, null]);
		const past = await at(caller, id, 2);
		expect((past.json.events as unknown[]).length).toBe(2);
		expect(past.headers.get('ETag')).toBe('"2.2"');
	});

	it('come in pages', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		for (let n = 0; n < 6; n += 1) await patch(caller, id, { plan: { n } });
		const pages = [];
		let before = '';
		for (let more = true; more; ) {
			const { data, hasMore } = await versionsOf(caller, id, `?limit=3${before}`);
			pages.push(data.map(({ version }) => version));
			before = `&before=${data.at(-1)?.version}`;
			more = hasMore;
		}
		expect(pages).toEqual([[7, 6, 5], [4, 3, 2], [1]]);
		expect(await versionsOf(caller, id, '?before=1')).toEqual({ data: [], hasMore: false });
		expect((await versionsOf(caller, id, '?before=999')).data).toHaveLength(7);
	});

	it.each(['before=0', 'before=x', 'before=1.5', 'limit=0', 'limit=101'])('reject %s', async (query) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { status, json } = await caller.call('GET', `${SESSIONS}/${id}/versions?${query}`);
		expect([status, json.code]).toEqual([400, 'VALIDATION_ERROR']);
	});

	it('are nobody else’s, and end with the session', async () => {
		const [caller, other] = [await newCaller(), await newCaller()];
		const { id } = await caller.create();
		await patch(caller, id, { plan: {} });
		const notFound = async (who: Caller) => {
			for (const path of ['/versions', '?version=1', '?version=9']) {
				const { status, json } = await who.call('GET', `${SESSIONS}/${id}${path}`);
				expect([path, status, json.code]).toEqual([path, 404, 'SESSION_NOT_FOUND']);
			}
		};
		await notFound(other);
		await expire(id);
		await notFound(caller);
		expect(await query('SELECT version FROM versions WHERE session_id = ?', id)).toHaveLength(1);
		const { id: another } = await caller.create();
		await patch(caller, another, { plan: {} });
		await caller.call('DELETE', `${SESSIONS}/${another}`);
		expect(await query('SELECT version FROM versions WHERE session_id = ?', another)).toEqual([]);
	});
});

describe('a session at a version', () => {
	it('is what a reader of its ETag has read', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ prd: { title: 'x'.repeat(2000), a: 1 }, catalogVersion: 'c' });
		const read: string[] = [];
		const bodies = [
			{ prd: { a: 2, b: { c: 3 } } },
			{ prd: { a: null, z: 'é' }, plan: { big: 'y'.repeat(1000) }, status: 'generating' },
			{ prd: { z: 'è', a: 1 }, plan: { q: 1 } },
			{ productObject: { text: 'z'.repeat(600), n: 1 }, ttlSeconds: 4000 },
			{ productObject: { n: 2, m: { o: null, p: 1 } } },
			{ plan: null, productObjectHash: 'mine' },
			{ plan: { a: 1 } },
		];
		for (const body of bodies) {
			await caller.append(id);
			read.push((await caller.call('GET', `${SESSIONS}/${id}`)).text);
			expect((await mergeInto(caller, id, body)).status).toBe(200);
		}
		read.push((await caller.call('GET', `${SESSIONS}/${id}`)).text);
		await caller.append(id);
		expect(await numbersOf(caller, id)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
		for (const [index, text] of read.entries()) {
			const past = await at(caller, id, index + 1);
			// A reader of the version has also seen the events that came after it began.
			const asRead = readObject(text).list.map(([name, value]) =>
				name === 'events' ? ([name, (value as Json[]).slice(0, index)] as const) : ([name, value] as const),
			);
			expect(past.text).toBe(writeJson(new Members(asRead)));
			expect(past.headers.get('ETag')).toBe(index === 0 ? '"1"' : `"${index + 1}.${index}"`);
		}
	});

	it('has the fields that were asked for, and no others', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ prd: { a: 1 } });
		await patch(caller, id, { prd: { a: 2 }, plan: { b: 1 }, status: 'failed' });
		expect((await at(caller, id, 1, '&fields=prd,status')).text).toBe('{"prd":{"a":1},"status":"intake"}');
		expect((await at(caller, id, 1, '&fields=plan')).text).toBe('{"plan":null}');
		const sparse = await at(caller, id, 2, '&fields=prd');
		expect([sparse.text, sparse.headers.get('ETag')]).toEqual(['{"prd":{"a":2}}', '"2"']);
	});

	it('answers 304 to a reader who has it, and 412 to an If-Match of another version', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ prd: { a: 1 } });
		await caller.append(id);
		await patch(caller, id, { prd: { a: 2 } });
		await patch(caller, id, { prd: { a: 3 } });
		const read = (version: number, headers: Record<string, string>, query = '') =>
			caller.call('GET', `${SESSIONS}/${id}?version=${version}${query}`, { headers });
		const answers = [
			await read(2, { 'If-None-Match': '"2.1"' }),
			await read(2, { 'If-None-Match': 'W/"2.1", "9"' }),
			await read(2, { 'If-None-Match': '*' }),
			await read(2, { 'If-None-Match': '"2"' }),
			await read(2, { 'If-None-Match': '"2"' }, '&fields=prd'),
			await read(2, { 'If-None-Match': '"3.1"' }),
			await read(3, { 'If-None-Match': '"3.1"' }),
			await read(1, { 'If-None-Match': '"1"' }),
			await read(2, { 'If-Match': '"2"' }),
			await read(2, { 'If-Match': '"3"' }),
			await read(9, { 'If-None-Match': '*' }),
		];
		expect(answers.map(({ status }) => status)).toEqual([
			304, 304, 304, 200, 304, 200, 304, 304, 200, 412, 404,
		]);
	});

	it('is a 404 for a version that does not exist, and a 400 for what is no version', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await patch(caller, id, { plan: {} });
		const { status, json } = await at(caller, id, 3);
		expect([status, json.code]).toEqual([404, 'VERSION_NOT_FOUND']);
		for (const version of ['0', '-1', 'x', '1.0', '', '99999999999999999999']) {
			expect((await caller.call('GET', `${SESSIONS}/${id}?version=${version}`)).status).toBe(400);
		}
	});

	it('is the same in every database', async () => {
		const caller = await newCaller({ fetcher: near(2) });
		const { id } = await caller.create({ prd: { a: 1 } });
		await patch(caller, id, { prd: { a: 2 } });
		expect((await at(caller, id, 1)).json.prd).toEqual({ a: 1 });
		expect(await numbersOf(caller, id)).toEqual([2, 1]);
	});
});

/** A change of one object: whole, or by a merge, in a PATCH or in a step. */
type AnyChange = {
	how: 'replace' | 'merge' | 'step';
	field: 'plan' | 'productObject';
	sent: Sent | null;
	pad: number;
};
const anyChange: fc.Arbitrary<AnyChange> = fc.record({
	how: fc.constantFrom('replace' as const, 'merge' as const, 'merge' as const, 'step' as const),
	field: fc.constantFrom('plan' as const, 'plan' as const, 'productObject' as const),
	sent: fc.option(anyObject, { freq: 9 }),
	// A large object has its parts kept, a small one is kept whole.
	pad: fc.constantFrom(0, 0, 0, 700),
});

it('every kept version of any sequence of changes is the one that was written, byte for byte', {
	timeout: 3_600_000,
}, async () => {
	const caller = await newCaller();
	await fc.assert(
		fc.asyncProperty(fc.array(anyChange, { minLength: 1, maxLength: 12 }), async (changes) => {
			const { id } = await caller.create();
			const states: Record<string, Json>[] = [{ plan: null, productObject: null }];
			for (const { how, field, sent, pad } of changes) {
				if (sent === null && how === 'replace') continue;
				const text = sent === null ? 'null' : sent.text;
				const padded =
					pad > 0 && sent
						? text.replace('{', `{"${'p'.repeat(pad)}":"é😀",`).replace(/,(\s*)\}$/, '$1}')
						: text;
				const body = `{"${field}":${padded}}`;
				const answer =
					how === 'step'
						? await caller.call('POST', `${SESSIONS}/${id}/steps`, {
								raw: `{"events":[{"type":"t"}],"patch":${body}}`,
								headers: { 'Content-Type': 'application/json' },
							})
						: await caller.call('PATCH', `${SESSIONS}/${id}`, {
								raw: body,
								headers: how === 'merge' ? MERGE : { 'Content-Type': 'application/json' },
							});
				expect(answer.status).toBeLessThan(300);
				const value = readObject(`{"v":${padded}}`).get('v') ?? null;
				const last = states.at(-1) ?? {};
				const next = how === 'replace' || value === null ? value : merge(last[field] ?? null, value);
				states.push({ ...last, [field]: next });
			}
			expect(await numbersOf(caller, id)).toEqual(states.map((_, index) => states.length - index));
			for (const [index, state] of states.entries()) {
				const { text } = await at(caller, id, index + 1, '&fields=plan,productObject');
				expect(text).toBe(
					`{"plan":${writeJson(state.plan ?? null)},"productObject":${writeJson(state.productObject ?? null)}}`,
				);
			}
		}),
		runs(60),
	);
});
