import { describe, expect, it } from 'vitest';
import { productObjectHash } from '../../src/sessions/product-object-hash.ts';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';

const sha256 = async (text: string) =>
	Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))), (byte) =>
		byte.toString(16).padStart(2, '0'),
	).join('');
const patch = (caller: Caller, id: string, body: unknown, type = 'application/json') =>
	caller.call('PATCH', `${SESSIONS}/${id}`, { body, headers: { 'Content-Type': type } });
const MERGE = 'application/merge-patch+json';

describe('the RFC 8785 form that is hashed', () => {
	it('matches the example in sections 3.2.2 and 3.2.3', async () => {
		const input = `{
			"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
			"string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
			"literals": [null, true, false]
		}`;
		const form =
			'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
			'"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}';
		expect(await productObjectHash(input)).toBe(await sha256(form));
	});

	it('sorts members by UTF-16 code units, as in section 3.2.3', async () => {
		const input =
			'{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh",' +
			'"1":"One","\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}';
		const form =
			'{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",' +
			'"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}';
		expect(await productObjectHash(input)).toBe(await sha256(form));
	});

	/** RFC 8785, appendix B. */
	it.each([
		['0', '0'],
		['-0', '0'],
		['5e-324', '5e-324'],
		['-5e-324', '-5e-324'],
		['1.7976931348623157e308', '1.7976931348623157e+308'],
		['-1.7976931348623157e308', '-1.7976931348623157e+308'],
		['9007199254740992', '9007199254740992'],
		['295147905179352830000', '295147905179352830000'],
		['9.999999999999997e22', '9.999999999999997e+22'],
		['1e23', '1e+23'],
		['1.0000000000000001e23', '1.0000000000000001e+23'],
		['999999999999999700000', '999999999999999700000'],
		['999999999999999900000', '999999999999999900000'],
		['1e21', '1e+21'],
		['9.999999999999997e-7', '9.999999999999997e-7'],
		['0.000001', '0.000001'],
		['333333333.3333332', '333333333.3333332'],
		['333333333.33333325', '333333333.33333325'],
		['333333333.3333333', '333333333.3333333'],
		['333333333.3333334', '333333333.3333334'],
		['333333333.33333343', '333333333.33333343'],
		['-0.0000033333333333333333', '-0.0000033333333333333333'],
		['1424953923781206.2', '1424953923781206.2'],
		['1e400', '1.7976931348623157e+308'],
		[`1${'0'.repeat(210)}e99`, '1.7976931348623157e+308'],
		[`-1${'0'.repeat(210)}.5E+99`, '-1.7976931348623157e+308'],
		[`0.${'0'.repeat(310)}1e311`, '1'],
	])('writes the number %s as %s', async (literal, form) => {
		expect(await productObjectHash(`{"n":${literal}}`)).toBe(await sha256(`{"n":${form}}`));
	});
});

describe('productObjectHash', () => {
	it('is computed when the request has an object without a hash, and does not depend on the order of members', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const first = await patch(caller, id, { productObject: { b: 1, a: [2] } });
		expect(first.json.productObjectHash).toBe(await sha256('{"a":[2],"b":1}'));
		const second = await patch(caller, id, { productObject: { a: [2], b: 1.0 } });
		expect(second.json.productObjectHash).toBe(first.json.productObjectHash);
	});

	it('is the hash in the request when there is one', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const { json } = await patch(caller, id, { productObject: { a: 1 }, productObjectHash: 'mine' });
		expect(json.productObjectHash).toBe('mine');
		expect((await patch(caller, id, { plan: {} })).json.productObjectHash).toBe('mine');
	});

	it('is computed from the result of a merge', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await patch(caller, id, { productObject: { a: 1, b: { c: 2 } }, productObjectHash: 'stale' });
		const { json } = await patch(caller, id, { productObject: { b: { d: 3 } } }, MERGE);
		expect(json.productObject).toEqual({ a: 1, b: { c: 2, d: 3 } });
		expect(json.productObjectHash).toBe(await sha256('{"a":1,"b":{"c":2,"d":3}}'));
	});

	it('is null when a merge clears the object', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await patch(caller, id, { productObject: { a: 1 } });
		const { json } = await patch(caller, id, { productObject: null }, MERGE);
		expect(json).toMatchObject({ productObject: null, productObjectHash: null });
	});

	it('can be cleared or set alone', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		await patch(caller, id, { productObject: { a: 1 } });
		expect((await patch(caller, id, { productObjectHash: 'mine' })).json.productObjectHash).toBe('mine');
		expect((await patch(caller, id, { productObjectHash: null }, MERGE)).json.productObjectHash).toBeNull();
	});

	it('matches the object after 40 concurrent merges, none of which is lost', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const answers = await Promise.all(
			Array.from({ length: 40 }, (_, n) =>
				patch(caller, id, { productObject: { [`m${100 + n}`]: n } }, MERGE),
			),
		);
		expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200));
		const { productObject, productObjectHash: hash } = await caller.details(id);
		expect(Object.keys(productObject ?? {})).toHaveLength(40);
		expect(hash).toBe(await productObjectHash(JSON.stringify(productObject)));
	});

	it('treats a number beyond the range of a double as the nearest double, in any notation and at any place', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const beyond = `1${'0'.repeat(210)}e99`;
		const raw = `{"productObject":{"__proto__":{"a":[${beyond}]}}}`;
		const { status, json, text } = await caller.call('PATCH', `${SESSIONS}/${id}`, {
			raw,
			headers: { 'Content-Type': 'application/json' },
		});
		const form = '{"__proto__":{"a":[1.7976931348623157e+308]}}';
		expect([status, json.productObjectHash]).toEqual([200, await sha256(form)]);
		expect(text).toContain(`"productObject":{"__proto__":{"a":[${beyond}]}}`);
	});

	it('is computed after a merge into an object that has a number beyond the range of a double', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const raw = `{"productObject":{"a":1${'0'.repeat(210)}e99},"productObjectHash":"mine"}`;
		await caller.call('PATCH', `${SESSIONS}/${id}`, { raw, headers: { 'Content-Type': MERGE } });
		const { status, json } = await patch(caller, id, { productObject: { b: 1 } }, MERGE);
		expect([status, json.productObjectHash]).toEqual([
			200,
			await sha256('{"a":1.7976931348623157e+308,"b":1}'),
		]);
	});

	it('is computed for objects with values that RFC 8785 does not cover', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const raw = '{"productObject":{"lone":"\\ud800","big":-1e999}}';
		const { status, json } = await caller.call('PATCH', `${SESSIONS}/${id}`, {
			raw,
			headers: { 'Content-Type': 'application/json' },
		});
		expect([status, json.productObjectHash]).toEqual([200, expect.stringMatching(/^[0-9a-f]{64}$/)]);
	});
});
