import { describe, expect, it } from 'vitest';
import { newCaller, SESSIONS } from '../support/api.ts';

/**
 * Valid and invalid JSON (RFC 8259) in UTF-8. The classes of cases follow nst/JSONTestSuite; the cases are our own.
 * Each case is the value of a member, because a body must be an object.
 */
const hex = (text: string) => Uint8Array.from(text.split(' '), (byte) => Number.parseInt(byte, 16));

function bodyWith(value: string | Uint8Array): Uint8Array<ArrayBuffer> {
	const encoder = new TextEncoder();
	const parts = ['{"plan":{"v":', value, '}}'].map((part) =>
		typeof part === 'string' ? encoder.encode(part) : part,
	);
	return Uint8Array.from(parts.flatMap((part) => Array.from(part)));
}

async function patch(raw: Uint8Array<ArrayBuffer>, type: string) {
	const caller = await newCaller();
	const { id } = await caller.create();
	const headers = { 'Content-Type': type };
	return caller.call('PATCH', `${SESSIONS}/${id}`, { raw, headers });
}

const TYPES = ['application/json', 'application/merge-patch+json'];

describe.each(TYPES)('a PATCH as %s returns every valid JSON value as it was sent', (type) => {
	it.each([
		'[]',
		'[[]   ]',
		'""',
		'true',
		'[null, 1, "1", {}]',
		'-0',
		'-1',
		'0e+1',
		'0e1',
		'20e1',
		'123.456e78',
		'1E22',
		'1E-2',
		'-123123123123123123123123123123',
		'0.4e00669999999999999999999999999999999999999999999999999999999999999999',
		'123e-10000000',
		'"\\u0060\\u012a\\u12AB"',
		'"\\uD801\\udc37"',
		'"\\"\\\\\\/\\b\\f\\n\\r\\t"',
		'"\\\\u0000"',
		'"\\udd1e\\uD834"',
		'"\\uDADA\\u0041"',
		'"a/*b*/c//d#e"',
		'"\u007f\u2028\u2029\u{10ffff}\u{1bfff}\ufdd0"',
		'{"":0}',
		'{"a":[],"b":{"c":0}}',
		'{"\\u0000":1}',
	])('%s', async (value) => {
		const { status, json } = await patch(bodyWith(value), type);
		expect([status, JSON.stringify(json.plan)]).toEqual([200, JSON.stringify({ v: JSON.parse(value) })]);
	});
});

describe.each(TYPES)('a PATCH as %s rejects invalid JSON', (type) => {
	it.each([
		// Arrays and objects.
		'[1,]',
		'[,1]',
		'[1,,2]',
		'[,]',
		'["": 1]',
		'["x"',
		'["x"]]',
		'[1 true]',
		'[a',
		'[3[4]]',
		'[*]',
		']',
		'[',
		'{"a":1,}',
		'{,}',
		'{"a" 1}',
		'{"a"::1}',
		'{"a"}',
		'{1:1}',
		'{a:1}',
		"{'a':1}",
		'{"a":1 "b":2}',
		'{"a":1}}',
		'{"a":1}#',
		'{"a":1}/**/',
		'{"a":1}//',
		'/*c*/1',
		'{"a":/**/1}',
		'{"a":"b",,"c":"d"}',
		'{:1}',
		'{"a":',
		'{{}:1}',
		'{null:null}',
		'{"x", null}',
		'{[]:1}',
		// Numbers, and texts that JSON5 and SQLite accept as numbers.
		'01',
		'-01',
		'+1',
		'.5',
		'5.',
		'-.5',
		'1.e3',
		'1e',
		'1e+',
		'1eE2',
		'0x1F',
		'0X1f',
		'0b1',
		'0o7',
		'1_000',
		'1 000',
		'-',
		'--1',
		'- 1',
		'++1',
		'1-',
		'1a',
		'0.1.2',
		'2.e+3',
		'NaN',
		'-NaN',
		'Infinity',
		'-Infinity',
		'+Infinity',
		'Inf',
		'QNaN',
		'１',
		'٣',
		'1e1.5',
		'∞',
		// Strings.
		"'a'",
		'"',
		'"a',
		'a"',
		'"\\',
		'"\\x41"',
		'"\\v"',
		'"\\0"',
		'"\\u"',
		'"\\u00"',
		'"\\u00g0"',
		'"\\U0041"',
		'"\\a"',
		'"\\\'"',
		'"\\😀"',
		'"\\\n"',
		'"a\nb"',
		'"a\tb"',
		'"a\u0000b"',
		'"\u001f"',
		'"\\ud834\\u"',
		'"\\u{41}"',
		'"a""b"',
		'“a”',
		'`a`',
		// Literals and white space.
		'True',
		'TRUE',
		'nul',
		'nulll',
		'tru',
		'fals',
		'undefined',
		'None',
		'',
		' ',
		'\f1',
		'\v1',
		'\u00a01',
		'\u20281',
		'\ufeff1',
		'\u20601',
		'\u00001',
		'1\u0000',
		'<1>',
		'function(){}',
		'new Date()',
		'@',
		'$',
		'{"a":b}',
	])('%j', async (value) => {
		const { status, json } = await patch(bodyWith(value), type);
		expect([status, json.code]).toEqual([400, 'INVALID_JSON']);
	});
});

describe('rejects a body that is not UTF-8', () => {
	it.each([
		['a byte that only goes on', '22 81 22'],
		['a Latin-1 letter', '22 e9 22'],
		['a sequence cut off by the end of the string', '22 e2 82 22'],
		['a sequence of four cut off', '22 f0 9f 98 22'],
		['an overlong slash of two bytes', '22 c0 af 22'],
		['an overlong slash of three', '22 e0 80 af 22'],
		['an overlong NUL', '22 c0 80 22'],
		['an overlong sequence of six', '22 fc 83 bf bf bf bf 22'],
		['an encoded high surrogate', '22 ed a0 80 22'],
		['an encoded low surrogate', '22 ed bf bf 22'],
		['a pair of encoded surrogates (CESU-8)', '22 ed a0 bd ed b8 80 22'],
		['a code point over U+10FFFF', '22 f4 90 80 80 22'],
		['a byte that no UTF-8 has', '22 ff 22'],
		['a bad byte outside of strings', '31 ff'],
	])('%s', async (_, bytes) => {
		for (const type of TYPES) {
			const { status, json } = await patch(bodyWith(hex(bytes)), type);
			expect([status, json.code]).toEqual([400, 'INVALID_JSON']);
		}
	});

	it.each([
		['UTF-16, little-endian, with a mark', 'ff fe 7b 00 7d 00'],
		['UTF-16, little-endian', '7b 00 7d 00'],
		['UTF-16, big-endian', '00 7b 00 7d'],
		['UTF-32', '7b 00 00 00 7d 00 00 00'],
		['UTF-7', '2b 41 48 73 2d 7d'],
		['a byte order mark before UTF-8', 'ef bb bf 7b 7d'],
		['a byte order mark alone', 'ef bb bf'],
		['a cut byte order mark', 'ef bb 7b 7d'],
		['an object and a cut sequence', '7b 7d e2 82'],
	])('a body of %s', async (_, bytes) => {
		const { status, json } = await patch(hex(bytes), 'application/json');
		expect([status, json.code]).toEqual([400, 'INVALID_JSON']);
	});
});
