import { describe, expect, it } from 'vitest';
import { inParallel } from '../../src/core/in-parallel.ts';
import { pause } from '../../src/core/pause.ts';

describe('work in parallel', () => {
	it('runs six at a time, and returns the results in the order of the items', async () => {
		let running = 0;
		let most = 0;
		const items = Array.from({ length: 40 }, (_, n) => n);
		const results = await inParallel(items, async (item, at) => {
			running += 1;
			most = Math.max(most, running);
			await pause(item % 3);
			running -= 1;
			return [item * 2, at];
		});
		expect(results).toEqual(items.map((item) => [item * 2, item]));
		expect(most).toBe(6);
	});

	it('fails when one fails', async () => {
		const work = async (item: number) => {
			await pause(1);
			if (item > 5) throw new Error(`item ${item}`);
		};
		await expect(inParallel([1, 2, 9, 3, 8], work)).rejects.toThrow('item 9');
		expect(await inParallel([], work)).toEqual([]);
	});
});
