import { describe, expect, it } from 'vitest';
import { merge } from '../../scripts/conformance/merge.ts';
import { readJson, writeJson } from '../../scripts/conformance/ordered-json.ts';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { roundTrip, WAYS } from '../support/round-trip.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Objects as sent, and as returned if that differs. Only white space, escapes and duplicate members may differ. */
const OBJECTS: [what: string, sent: string, back?: string][] = [
	['nothing', '{}'],
	['members that are null', '{"a":null,"b":{"c":null,"d":[null,{"e":null}]},"f":1}'],
	['every kind of value', '{"a":[null,true,false,0,"",{},[]],"b":{"c":{}}}'],
	['white space', ' { "a" :\t[ 1 ,\r\n2 ] , "b" : { } } ', '{"a":[1,2],"b":{}}'],
	['white space within strings', '{"a b":" \u00a0\u3000 "}'],
	[
		'what JavaScript calls special',
		'{"__proto__":{"x":1},"constructor":{"prototype":[1]},"toJSON":1,"valueOf":2}',
	],
	[
		'__proto__ as a string, and twice',
		'{"__proto__":"a","a":{"__proto__":null,"__proto__":7}}',
		'{"__proto__":"a","a":{"__proto__":7}}',
	],
	['then and length', '{"then":1,"length":-1,"hasOwnProperty":0,"isPrototypeOf":[]}'],
	['an empty name', '{"":{"":{"":0}}}'],
	['names like paths', '{"a.b":1,"a":{"b":2},"$":3,"$.a":4,"#-1":5,"[0]":6,"/a":7}'],
	[
		'names like numbers, in their order',
		'{"b":0,"2":1,"1":2,"10":3,"01":4,"-1":5,"4294967295":6,"9007199254740993":7}',
	],
	['U+0000', '{"\\u0000":"\\u0000","a\\u0000b":"x\\u0000y","a\\u0000c":0,"a":1}'],
	[
		'every control character',
		`{"c":"${Array.from({ length: 32 }, (_, n) => `\\u00${n.toString(16).padStart(2, '0')}`).join('')}"}`,
		'{"c":"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f"}',
	],
	['lone surrogates', '{"\\ud800":"\\udc00","\\udfff\\ud83d":"a\\ud83d","\\ud800\\ud800":1,"\\ud801":2}'],
	['a pair as two escapes', '{"\\ud83d\\ude00":"\\uD83D\\uDE00"}', '{"😀":"😀"}'],
	[
		'needless escapes',
		'{"\\u0061\\/":"\\u00e9\\u003c\\u002f","\\u0022":"\\u005c"}',
		'{"a/":"é</","\\"":"\\\\"}',
	],
	['backslashes and quotes', '{"\\\\":"\\\\\\"\\\\","\\"":"\\\\u0000","\\\\\\\\":"\\\\n"}'],
	[
		'line separators, noncharacters, a BOM',
		'{"\u2028":"\u2029","\uffff":"\ufffe","\ufffd":"\ufeff","\u{10ffff}":"\u007f\u0080\u0085"}',
	],
	['composed and decomposed letters', '{"é":1,"e\u0301":2,"Å":3,"A\u030a":4,"\u212b":5}'],
	[
		'text in both directions, joiners, flags',
		'{"\u202eabc\u202c":"\u2066x\u2069\u200f","👩‍👩‍👧":"🇩🇪\ufe0f\u200b\u00ad"}',
	],
	[
		'markup, scripts and SQL',
		`{"<script>alert(1)</script>":"'; DROP TABLE sessions; --","\${x}":"%s%n{0}\`","..":"../../etc/passwd"}`,
	],
	['zeros', '{"n":[0,-0,0.0,-0.0,0e0,-0E-0,0.000]}'],
	['numbers as they are written', '{"n":[1.0,1.10,1E5,1e+5,1e05,100000,-1.50e-07]}'],
	[
		'numbers at the ends of doubles',
		'{"n":[5e-324,-5e-324,2.2250738585072014e-308,1.7976931348623157e308,-1.7976931348623157E+308]}',
	],
	[
		'whole numbers beyond 2^53 and 2^64',
		'{"n":[9007199254740993,-9223372036854775808,9223372036854775808,18446744073709551616]}',
	],
	[
		'numbers that no double holds',
		`{"n":[1e400,-1e400,1e-400,0.1000000000000000055511151231257827,1${'0'.repeat(400)},0.${'0'.repeat(400)}1]}`,
	],
	[
		'members sent twice: the last one, in the first one’s place',
		'{"a":1,"b":2,"a":3,"c":{"x":1,"y":2,"x":[3]}}',
		'{"a":3,"b":2,"c":{"x":[3],"y":2}}',
	],
	['members sent twice in different escapes', '{"a":1,"b":2,"\\u0061":3,"\\u0062":4}', '{"a":3,"b":4}'],
	['many members', `{${Array.from({ length: 5000 }, (_, n) => `"${(n * 7919) % 5000}":${n}`).join(',')}}`],
	[
		'a long array',
		`{"a":[${Array.from({ length: 20_000 }, (_, n) => n).join(',')}]}`
			.slice(0, 60_000)
			.replace(/,\d*$/, ']}'),
	],
];

describe.each(Object.entries(WAYS))('an object sent by %s', (name, way) => {
	it.each(OBJECTS)('comes back as it was sent: %s', async (_, sent, back = sent) => {
		// RFC 7396: a null member of a merge patch removes the member. Nulls within arrays stay.
		const stored = name.startsWith('merge') ? writeJson(merge(null, readJson(back))) : back;
		for (const [place, text] of await roundTrip(way, sent)) {
			expect([place, text.includes(`:${stored},"`) || text]).toEqual([place, true]);
		}
	});
});

describe('a body with special members', () => {
	it('keeps the last of two members with one name', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const raw =
			'{"plan":{"a":1},"status":"failed","plan":{"b":2},"\\u0073tatus":"generating","plan":{"c":-0}}';
		const { text, json } = await caller.call('PATCH', `${SESSIONS}/${id}`, { raw, headers: JSON_TYPE });
		expect([json.status, text.includes('"plan":{"c":-0},')]).toEqual(['generating', true]);
	});

	it('is rejected when only the first of two members with one name is valid', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const raw = '{"plan":{"a":1},"plan":[]}';
		const { status } = await caller.call('PATCH', `${SESSIONS}/${id}`, { raw, headers: JSON_TYPE });
		expect([status, (await caller.details(id)).plan]).toEqual([400, null]);
	});

	it('may have __proto__ and constructor, which are ignored like any unknown member', async () => {
		const caller = await newCaller();
		const { id } = await caller.create();
		const raw = '{"__proto__":{"status":"failed","plan":{}},"constructor":1,"toString":null}';
		const { status, json } = await caller.call('PATCH', `${SESSIONS}/${id}`, { raw, headers: JSON_TYPE });
		expect([status, json]).toMatchObject([200, { status: 'intake', plan: null }]);
	});
});

describe('a plain string', () => {
	const sent = (caller: Caller, field: string, id: string, text: string) => {
		const body = field === 'type' ? { type: text } : { type: 't', [field]: text };
		if (['type', 'stage', 'message'].includes(field))
			return caller.call('POST', `${SESSIONS}/${id}/events`, { body });
		if (field === 'productObjectHash')
			return caller.call('PATCH', `${SESSIONS}/${id}`, { body: { [field]: text } });
		return caller.call('POST', SESSIONS, { body: { [field]: text } });
	};
	const FIELDS = ['catalogVersion', 'schemaVersion', 'productObjectHash', 'type', 'stage', 'message'];

	it.each(FIELDS)('in %s must not contain U+0000 or a lone surrogate', async (field) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		for (const text of ['\u0000', 'a\u0000', '\ud800', 'a\udc00b', '\ude00\ud83d', '😀\ud83d']) {
			const { status, json } = await sent(caller, field, id, text);
			expect([JSON.stringify(text), status, json]).toMatchObject([
				JSON.stringify(text),
				400,
				{
					code: 'VALIDATION_ERROR',
					details: expect.arrayContaining([
						expect.objectContaining({ path: field, code: 'INVALID_CHARACTERS' }),
					]),
				},
			]);
		}
	});

	it.each(FIELDS)('in %s comes back as it was sent', async (field) => {
		const caller = await newCaller();
		const { id } = await caller.create();
		for (const text of [
			"'; DROP TABLE sessions; --",
			'" OR 1=1',
			'<img src=x onerror=alert(1)>',
			`\${7*7}{{7*7}}%s%n%d`,
			'../../../etc/passwd',
			...(['type', 'stage'].includes(field) ? [] : ['a\r\nX-Injected: 1', '\u0001\u001f\u007f\u0080\u009f']),
			'\u202e\u2066\u200b\u200d\ufeff\u00ad\ufffe\uffff',
			'Z̴̛͕a̸̧͝l̵̢̕g̶̡̛o̷̧͝',
			'👩‍👩‍👧🇩🇪',
			'null',
			'undefined',
			'NaN',
			'-0',
			'[object Object]',
			'__proto__',
			' leading and trailing ',
			'\u{10ffff}\u{1f600}',
		]) {
			const { status, json } = await sent(caller, field, id, text);
			expect([status < 300, JSON.stringify(json[field])]).toEqual([true, JSON.stringify(text)]);
		}
	});
});
