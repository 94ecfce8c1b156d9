import { describe, expect, it } from 'vitest';
import { ticksOf, timeScale } from '../../../src/inspector/model/time-scale.ts';

const breaksOf = (times: number[], from: number, to: number) =>
	timeScale(times, { from, to }, 1000).pieces.filter(({ isBreak }) => isBreak);

describe('the axis of time', () => {
	it('is as long as the time, where nothing was silent for long', () => {
		const scale = timeScale([0, 5000, 10_000], { from: 0, to: 10_000 }, 1000);
		expect([scale.x(0), scale.x(2500), scale.x(10_000)]).toEqual([0, 250, 1000]);
		expect(scale.timeAt(250)).toBe(2500);
	});

	it('makes a silence that is longer than all the rest one break', () => {
		const minute = 60_000;
		const found = breaksOf([0, 4000, 8000, 33 * minute, 33 * minute + 5000], 0, 33 * minute + 9000);
		expect(found).toHaveLength(1);
		expect(found[0]?.to).toBe(33 * minute);
		// What happened right before it is not hidden by it.
		expect(found[0]?.from).toBe(13_000);
		expect((found[0]?.right ?? 0) - (found[0]?.left ?? 0)).toBe(56);
	});

	it('makes several long silences breaks, and none of the usual pauses', () => {
		const hour = 3_600_000;
		const times = [0, 60_000, 120_000, 8 * hour, 8 * hour + 60_000, 17 * hour];
		expect(breaksOf(times, 0, 17 * hour + 60_000)).toHaveLength(2);
		const steady = Array.from({ length: 50 }, (_, index) => index * 60_000);
		expect(breaksOf(steady, 0, 50 * 60_000)).toEqual([]);
	});

	it('makes pauses breaks that are far longer than all others, such as nights between days of work', () => {
		const minute = 60_000;
		const day = Array.from({ length: 73 }, (_, index) => index * 10 * minute);
		const times = [0, 1, 2].flatMap((days) => day.map((time) => time + days * 24 * 60 * minute));
		expect(breaksOf(times, 0, times.at(-1) ?? 0)).toHaveLength(2);
	});

	it('breaks the silence until now', () => {
		expect(breaksOf([0, 1000], 0, 3_600_000)).toHaveLength(1);
	});

	it('finds the place of a time and the time of a place', () => {
		const times = [0, 1000, 2000, 500_000, 501_000, 502_000];
		const scale = timeScale(times, { from: 0, to: 502_000 }, 700);
		for (const time of times) expect(scale.timeAt(scale.x(time))).toBeCloseTo(time, 3);
	});

	it('has marks at round times that do not come too close', () => {
		const scale = timeScale([], { from: 1234, to: 11_234 }, 1000);
		const ticks = ticksOf(scale, 90);
		expect(ticks.map(({ time }) => time)).toEqual([
			2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 11_000,
		]);
		expect(ticksOf(scale, 900)).toHaveLength(1);
	});

	it('ends with any length of time', () => {
		for (const length of [0, 1, 86_400_000, 40 * 86_400_000]) {
			expect(ticksOf(timeScale([], { from: 5, to: 5 + length }, 500), 80).length).toBeLessThan(8);
		}
	});
});
