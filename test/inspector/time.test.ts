import { describe, expect, it } from 'vitest';
import { axisTime, exactLengthOf, lengthOf } from '../../src/inspector/time.ts';

describe('lengths of time', () => {
	it('are told in their largest unit, or in two', () => {
		expect([500, 59_000, 200_000, 7_300_000, 180_000_000].map(lengthOf)).toEqual([
			'0 s',
			'59 s',
			'3 min',
			'2 h',
			'2 d',
		]);
		expect([500, 1250, 200_000, 7_300_000, 180_000_000].map(exactLengthOf)).toEqual([
			'500 ms',
			'1.3 s',
			'3 min 20 s',
			'2 h 1 min',
			'2 d 2 h',
		]);
	});

	it('are never negative, whatever the clocks say', () => {
		expect(lengthOf(-5000)).toBe('0 s');
	});
});

describe('the times of an axis', () => {
	it('have the date where a day begins', () => {
		const hour = 3_600_000;
		const midnight = new Date(2026, 10, 25).getTime();
		expect([-8, 0, 8].map((hours) => axisTime(midnight + hours * hour, 8 * hour))).toEqual([
			'16:00',
			'Nov 25',
			'08:00',
		]);
	});
});
