import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStoredForm } from '../../src/json/stored-form.ts';
import { runs } from '../model/runs.ts';

/** A JSON text as it may be sent, with its stored form. */
interface Sample {
	sent: string;
	stored: string;
}

const space = fc.constantFrom('', '', '', ' ', '\n\t', '\r ');
const string = fc
	.array(
		fc.constantFrom<[sent: string, stored: string]>(
			['a', 'a'],
			['\\u0061', 'a'],
			['\\/', '/'],
			['\\"', '\\"'],
			['\\u0022', '\\"'],
			['\\\\', '\\\\'],
			['\\u000A', '\\n'],
			['\\u001F', '\\u001f'],
			['\\uD83D\\uDE00', '😀'],
			['\\uD83D', '\\ud83d'],
			['{[,:]}', '{[,:]}'],
			['x'.repeat(20), 'x'.repeat(20)],
		),
		{ maxLength: 3 },
	)
	// Two halves of a pair that meet would be one character.
	.filter((parts) => parts.filter(([sent]) => sent.startsWith('\\uD83D')).length < 2)
	.map((parts): Sample => {
		const textOf = (which: 0 | 1) => `"${parts.map((part) => part[which]).join('')}"`;
		return { sent: textOf(0), stored: textOf(1) };
	});
const literal = fc
	.constantFrom('0', '-0', '1.50', '1E+2', '123456789012345678901', 'true', 'false', 'null')
	.map((text): Sample => ({ sent: text, stored: text }));

const { value } = fc.letrec<{ value: Sample; array: Sample; object: Sample }>((tie) => ({
	value: fc.oneof({ maxDepth: 5 }, literal, string, tie('array'), tie('object')),
	array: fc.array(fc.tuple(space, tie('value'), space), { maxLength: 4 }).map((items) => ({
		sent: `[${items.map(([before, item, after]) => before + item.sent + after).join(',')}]`,
		stored: `[${items.map(([, item]) => item.stored).join(',')}]`,
	})),
	object: fc
		.array(fc.tuple(space, string, space, tie('value'), space), { maxLength: 5 })
		.map((members): Sample => {
			const last = new Map(members.map(([, name, , member]) => [name.stored, member.stored]));
			return {
				sent: `{${members.map(([a, name, b, member, c]) => `${a}${name.sent}${b}:${b}${member.sent}${c}`).join(',')}}`,
				stored: `{${Array.from(last, ([name, member]) => `${name}:${member}`).join(',')}}`,
			};
		}),
}));

describe('the stored form', () => {
	it('has no white space, only the necessary escapes, and the last of duplicate members in the first one’s place', () => {
		fc.assert(
			fc.property(space, value, (before, { sent, stored }) => {
				const cursor = { text: `${before}${sent},`, at: 0 };
				expect(readStoredForm(cursor, 100)).toBe(stored);
				expect(cursor.at).toBe(before.length + sent.length);
				expect(JSON.parse(stored)).toEqual(JSON.parse(sent));
			}),
			runs(3000),
		);
	});

	it.each([
		['{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'],
		['{ "a" : [ 1 ] , "b":2, "a":{"c":1, "c":2} ,"a": "\\/" }', '{"a":"/","b":2}'],
		['{"a":{"b":1,"b":{"c":1,"c":[ 2 ]}},"a":{"b":1,"b":{"c":1,"c":[ 3 ]}}}', '{"a":{"b":{"c":[3]}}}'],
		['{"a":"\\u0062","\\u0061":"\\u0063"}', '{"a":"c"}'],
		['{"a":0,"a":1,"a":2,"b":0,"b":1}', '{"a":2,"b":1}'],
	])('of %s is %s', (sent, stored) => {
		expect(readStoredForm({ text: sent, at: 0 }, 100)).toBe(stored);
	});

	it('keeps the white space in strings of any length, and in texts of any length', () => {
		const strings = Array.from({ length: 200 }, (_, n) => `"${'\\" { '.repeat(n)}\\\\"`);
		const spaced = `{ "a" : [ ${strings.join(' , ')} ] }`;
		expect(readStoredForm({ text: spaced, at: 0 }, 100)).toBe(`{"a":[${strings.join(',')}]}`);
		const numbers = Array.from({ length: 20_000 }, (_, n) => n);
		const stored = JSON.stringify({ numbers, text: 'x y '.repeat(10_000) });
		const pretty = JSON.stringify(JSON.parse(stored), null, '\t');
		expect(readStoredForm({ text: pretty, at: 0 }, 100)).toBe(stored);
	});
});
