import { describe, expect, it } from 'vitest';
import { sizeOfRows, sizeOfValues, workOf } from '../../src/database/work.ts';

describe('the work of a trip', () => {
	it('is half a millisecond, its time in SQLite, and 4 ms for each megabyte that it takes or brings', () => {
		expect(workOf({ milliseconds: 0.3, bytes: 0 })).toBe(0.8);
		expect(workOf({ milliseconds: 1, bytes: 1_500_000 })).toBe(7.5);
	});

	it('counts the texts that its statements bind', () => {
		const statements = [{ values: ['four', 1, null] }, { values: [] }, { values: ['seven', 'x'] }];
		expect(sizeOfValues(statements)).toBe(10);
	});

	it('counts the texts of its rows', () => {
		expect(sizeOfRows([{ id: 'four', version: 1, plan: null }, {}, { id: 'five' }])).toBe(8);
	});
});
