import { describe, expect, it } from 'vitest';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';

const MERGE = { 'Content-Type': 'application/merge-patch+json' };
const merge = (caller: Caller, id: string, body: unknown, headers: Record<string, string> = {}) =>
	caller.call('PATCH', `${SESSIONS}/${id}`, { body, headers: { ...MERGE, ...headers } });

/** The examples of RFC 7396, appendix A, whose original and patch are objects. A field is always an object. */
const APPENDIX_A: [original: object, patch: object, result: object][] = [
	[{ a: 'b' }, { a: 'c' }, { a: 'c' }],
	[{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
	[{ a: 'b' }, { a: null }, {}],
	[{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
	[{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
	[{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
	[{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
	[{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
	[{ e: null }, { a: 1 }, { e: null, a: 1 }],
	[{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

describe('a merge patch', () => {
	it.each(APPENDIX_A)('gives the result of RFC 7396 for %j and %j: %j', async (original, patch, result) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await caller.call('PATCH', `${SESSIONS}/${id}`, { body: { plan: original } });
		const { status, json } = await merge(caller, id, { plan: patch });
		expect([status, json.plan]).toEqual([200, result]);
	});

	it('starts with an empty object when the field is null', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		expect((await merge(caller, id, { prd: { a: { b: 1, c: null } } })).json.prd).toEqual({ a: { b: 1 } });
	});

	it('clears a field with null', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ prd: { a: 1 } });
		const { json } = await merge(caller, id, { prd: null, plan: null });
		expect(json).toMatchObject({ prd: null, plan: null });
	});

	it('changes several fields at once, and leaves the others unchanged', async () => {
		const caller = await newCaller();
		const { id } = await caller.create({ prd: { a: 1 } });
		const { json } = await merge(caller, id, {
			plan: { p: 1 },
			assemblyState: { s: 1 },
			status: 'generating',
		});
		expect(json).toMatchObject({
			prd: { a: 1 },
			plan: { p: 1 },
			assemblyState: { s: 1 },
			status: 'generating',
		});
	});

	it.each([
		[{ status: null }, 'status'],
		[{ plan: [] }, 'plan'],
		[{ prd: 1 }, 'prd'],
		[{ productObjectHash: 1 }, 'productObjectHash'],
	])('returns 400 for %j', async (body, path) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { status, json } = await merge(caller, id, body);
		expect([status, json]).toMatchObject([400, { code: 'VALIDATION_ERROR', details: [{ path }] }]);
	});

	it('returns 413 and changes nothing when the result exceeds the limit', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await merge(caller, id, { plan: { a: 'x'.repeat(250_000) } });
		const before = await caller.details(id);
		const { status, json } = await merge(caller, id, { plan: { b: 'x'.repeat(250_000) }, status: 'failed' });
		expect([status, json.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
		expect(json.error).toContain('plan');
		expect(await caller.details(id)).toEqual(before);
	});

	it('may be larger than the limit when its result is not', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const nulls = Object.fromEntries(Array.from({ length: 40_000 }, (_, n) => [`member-${n}`, null]));
		const { status, json } = await merge(caller, id, { plan: { ...nulls, kept: 1 } });
		expect([status, json.plan]).toEqual([200, { kept: 1 }]);
	});

	it('keeps members that JavaScript treats specially, and the order of members', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const raw = '{"plan":{"b":1,"2":-0,"1":1e400,"__proto__":{"x":1},"":"\\u0000\\ud800"}}';
		const { text } = await caller.call('PATCH', `${SESSIONS}/${id}`, { raw, headers: MERGE });
		expect(text).toContain(raw.slice(1, -1));
	});

	it.each([
		['{"a\\u0000b":1}', '{"a":2}', '{"a\\u0000b":1,"a":2}'],
		['{"a":1}', '{"a\\u0000b":2}', '{"a":1,"a\\u0000b":2}'],
		['{"a\\u0000b":1}', '{"a\\u0000c":2}', '{"a\\u0000b":1,"a\\u0000c":2}'],
		['{"a\\u0000b":1,"\\u0000":1}', '{"a\\u0000b":2,"\\u0000":null}', '{"a\\u0000b":2}'],
		['{"\\u0000":{"\\u0000":1}}', '{"\\u0000":{"":2}}', '{"\\u0000":{"\\u0000":1,"":2}}'],
		['{"\\ud800":1}', '{"\\ud800\\u0001":2}', '{"\\ud800":1,"\\ud800\\u0001":2}'],
		[
			'{"\\ud800\\u0002":1,"\\ud800\\u0000":1}',
			'{"\\ud800":2}',
			'{"\\ud800\\u0002":1,"\\ud800\\u0000":1,"\\ud800":2}',
		],
		['{"\\\\u0000":1}', '{"\\u0000":2,"\\\\ud800":3}', '{"\\\\u0000":1,"\\u0000":2,"\\\\ud800":3}'],
		['{"\\n\ufffe":1}', '{"\\n\uffff":2,"\\n\ufffd":3}', '{"\\n\ufffe":1,"\\n\uffff":2,"\\n\ufffd":3}'],
	])(
		'distinguishes names that differ after a U+0000 or in a lone surrogate: %s and %s',
		async (original, patch, result) => {
			const caller = await newCaller();
			for (const field of ['plan', 'productObject']) {
				const { id } = await caller.create();
				await caller.call('PATCH', `${SESSIONS}/${id}`, { raw: `{"${field}":${original}}`, headers: MERGE });
				const { text } = await caller.call('PATCH', `${SESSIONS}/${id}`, {
					raw: `{"${field}":${patch}}`,
					headers: MERGE,
				});
				expect(text).toContain(`"${field}":${result},"`);
			}
		},
	);

	it('leaves 60 different members after 60 concurrent merges', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const answers = await Promise.all(
			Array.from({ length: 60 }, (_, n) =>
				merge(caller, id, { assemblyState: { [`part${n}`]: { done: n } } }),
			),
		);
		expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(200));
		const { assemblyState } = await caller.details(id);
		expect(Object.keys(assemblyState ?? {})).toHaveLength(60);
	});
});
