import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compact, membersOf, pretty, problemOf } from '../../../src/inspector/json/text.ts';
import { runs } from '../../model/runs.ts';

/** As JSON gives it back: it has no -0. */
const anyObject = fc
	.dictionary(fc.string(), fc.jsonValue())
	.map((value): Record<string, unknown> => JSON.parse(JSON.stringify(value)));

describe('JSON as text', () => {
	it('is laid out with a line for each value, and keeps literals, order and names that occur twice', () => {
		const json = '{"2":1.50,"1":[],"1":{ },"a{\\"":[true,{"b":-0e+1}]}';
		expect(pretty(json)).toBe(
			[
				'{',
				'  "2": 1.50,',
				'  "1": [],',
				'  "1": {},',
				'  "a{\\"": [',
				'    true,',
				'    {',
				'      "b": -0e+1',
				'    }',
				'  ]',
				'}',
			].join('\n'),
		);
		expect(compact(pretty(json))).toBe(json.replace(' ', ''));
	});

	it('is laid out as JSON.stringify does it, and comes back', () => {
		fc.assert(
			fc.property(anyObject, (value) => {
				const json = JSON.stringify(value);
				expect(pretty(json)).toBe(JSON.stringify(value, null, 2));
				expect(compact(pretty(json))).toBe(json);
			}),
			runs(100),
		);
	});

	it.each([
		['arrays', '[', ']'],
		['objects', '{"a":', '}'],
	])('is laid out in at most 2,000,000 characters, however deep its %s nest', (_, open, close) => {
		const group = `${open.repeat(97)}0${close.repeat(97)}`;
		const json = `{"a":[${new Array(Math.floor(360_000 / group.length)).fill(group).join(',')}]}`;
		const text = pretty(json);
		expect(text.length).toBeLessThan(2_000_000);
		expect(text.split('\n').length).toBeGreaterThan(1000);
		expect(text.startsWith(`{\n  "a": [\n    ${open.trimEnd().slice(0, 1)}`)).toBe(true);
		expect(compact(text)).toBe(json);
	});

	it('gives the text of each member of an object', () => {
		fc.assert(
			fc.property(anyObject, fc.boolean(), (value, isWide) => {
				const members = membersOf(JSON.stringify(value, null, isWide ? 2 : 0));
				expect([...members.keys()]).toEqual(Object.keys(value));
				for (const [name, text] of members) expect(JSON.parse(text)).toEqual(value[name]);
			}),
			runs(100),
		);
	});

	it('may be 400,000 bytes in one string', () => {
		const json = JSON.stringify({ text: '\\"{'.repeat(130_000), last: 1 });
		expect(membersOf(json).get('last')).toBe('1');
		expect(compact(pretty(json))).toBe(json);
	});

	it.each([
		['{"a":1}', undefined],
		['{"a":1', 'not JSON'],
		['[1]', 'must be a JSON object'],
		['null', 'must be a JSON object'],
	])('says what is wrong with %s as an object', (text, problem) => {
		if (problem === undefined) expect(problemOf(text)).toBeUndefined();
		else expect(problemOf(text)).toContain(problem);
	});
});
