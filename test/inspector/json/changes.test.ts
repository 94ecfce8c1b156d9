import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeBetween } from '../../../src/inspector/json/changes.ts';
import { pretty } from '../../../src/inspector/json/text.ts';
import { runs } from '../../model/runs.ts';

describe('the change between two texts', () => {
	const lines = fc
		.array(fc.constantFrom('a', 'b', 'ab', '', 'a,'), { maxLength: 8 })
		.map((all) => all.join('\n'));

	it('makes the second of the first', () => {
		fc.assert(
			fc.property(lines, lines, (before, after) => {
				const change = changeBetween(before, after);
				if (change === undefined) {
					expect(after).toBe(before);
					return;
				}
				const { from, to, insert } = change;
				expect(before.slice(0, from) + insert + before.slice(to)).toBe(after);
				for (const line of change.newLines) expect(line === 0 || after[line - 1] === '\n').toBe(true);
			}),
			runs(2000),
		);
	});

	it('names the lines that are new, and neither those that moved nor those that only got a comma', () => {
		const before = pretty('{"a":1,"b":{"c":2}}');
		const after = pretty('{"a":1,"b":{"c":2,"d":3}}');
		const change = changeBetween(before, after);
		expect(change?.newLines.map((line) => after.slice(line).split('\n')[0])).toEqual(['    "d": 3']);
	});
});
