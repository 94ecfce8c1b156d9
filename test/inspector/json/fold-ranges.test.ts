import { describe, expect, it } from 'vitest';
import { foldRanges } from '../../../src/inspector/json/fold-ranges.ts';
import { pretty } from '../../../src/inspector/json/text.ts';

describe('the ranges that fold', () => {
	it('begin at the end of a line that opens a bracket, and end before the one that closes it', () => {
		const text = pretty('{"a":[1,{"b":{}}],"c":{"d":2}}');
		const folded = Array.from(foldRanges(text.split('\n')), ([start, { from, to }]) => [
			text.slice(start, from).trim(),
			text.slice(from, to).replaceAll(/\s+/g, ''),
			text[to],
		]);
		expect(folded).toEqual([
			['{', '"b":{}', '}'],
			['"a": [', '1,{"b":{}}', ']'],
			['"c": {', '"d":2', '}'],
			['{', '"a":[1,{"b":{}}],"c":{"d":2}', '}'],
		]);
	});

	it('do not include a line without its end, or empty lines', () => {
		expect(Array.from(foldRanges(['{', '', '  "a": {', '    1']))).toEqual([]);
		expect(Array.from(foldRanges(['{', '', '}']))).toEqual([[0, { from: 1, to: 3 }]]);
	});

	it('are found by reading each line once, however many of them nest', () => {
		const lines = pretty(`${'[1,'.repeat(500)}1${']'.repeat(500)}`).split('\n');
		let read = 0;
		function* counted() {
			for (const line of lines) {
				read += 1;
				yield line;
			}
		}
		expect(foldRanges(counted()).size).toBe(500);
		expect(read).toBe(lines.length);
	});
});
