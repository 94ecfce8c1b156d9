import { describe, expect, it } from 'vitest';
import { changesBetween, conflictsIn, patchOf, valueAt } from '../../../src/inspector/json/patch.ts';

const patch = (before: string, after: string) => patchOf(changesBetween(before, after));

describe('what somebody changed in an object', () => {
	it('is listed by member, with exact texts', () => {
		expect(
			changesBetween(
				'{"a":{"b":1,"c":[1,2]},"d":1.5}',
				'{ "a": { "b": 1, "c": [1, 3] }, "d": 1.50, "e": {} }',
			),
		).toEqual([
			{ path: ['a', 'c'], before: '[1,2]', after: '[1,3]' },
			{ path: ['d'], before: '1.5', after: '1.50' },
			{ path: ['e'], before: undefined, after: '{}' },
		]);
	});

	it('becomes a merge patch of those members alone', () => {
		expect(
			patch('{"a":{"b":1,"c":2},"d":3,"e":4}', '{"a":{"b":9,"c":2,"x":12345678901234567890},"e":4}'),
		).toBe('{"a":{"b":9,"x":12345678901234567890},"d":null}');
		expect(patch('{"a.b":{"":1}}', '{"a.b":{"":2}}')).toBe('{"a.b":{"":2}}');
	});

	it('becomes no patch where null is a value: there it would remove the member', () => {
		expect(patch('{"a":1}', '{"a":null}')).toBeUndefined();
		expect(patch('{}', '{"a":{"b":{"c":null}}}')).toBeUndefined();
		expect(patch('{}', '{"a":[null,{"b":null}]}')).toBe('{"a":[null,{"b":null}]}');
	});

	it('meets what others changed only at the same member', () => {
		const mine = changesBetween('{"a":{"b":1,"c":1},"d":1}', '{"a":{"b":2,"c":1},"d":1}');
		expect(conflictsIn(mine, '{"a":{"b":1,"c":5},"d":7,"e":1}')).toEqual([]);
		expect(conflictsIn(mine, '{"a":{"b":3,"c":1},"d":1}')).toEqual(mine);
		expect(conflictsIn(mine, '{"a":7}')).toEqual(mine);
		const added = changesBetween('{"a":{}}', '{"a":{"b":2}}');
		expect(conflictsIn(added, '{"a":{"c":1}}')).toEqual([]);
		expect(conflictsIn(added, '{}')).toEqual(added);
	});

	it('is found at its place', () => {
		expect(valueAt('{"a":{"b":[1, 2]}}', ['a', 'b'])).toBe('[1, 2]');
		expect(valueAt('{"a":{"b":1}}', ['a', 'b', 'c'])).toBeUndefined();
	});
});
