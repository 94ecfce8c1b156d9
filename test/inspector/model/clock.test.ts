import { describe, expect, it } from 'vitest';
import { newClock } from '../../../src/inspector/model/clock.ts';

const dateOf = (time: number) => new Date(time).toUTCString();
const MINUTE = 60_000;

describe('the time of the service', () => {
	it('is the local one while that agrees', () => {
		let local = 1_000_000_000;
		const clock = newClock(() => local);
		expect(clock.now()).toBe(local);
		clock.hear(dateOf(local), local - 40, local + 40);
		local += 500;
		expect(clock.now()).toBe(local);
	});

	it.each([5 * MINUTE, -5 * MINUTE])('is corrected when the local clock is wrong by %d ms', (wrong) => {
		const service = 1_000_000_400;
		const clock = newClock(() => service + wrong);
		clock.hear(dateOf(service), service + wrong - 100, service + wrong + 100);
		expect(Math.abs(clock.now() - service)).toBeLessThanOrEqual(1100);
	});

	it('is never before an event that has arrived', () => {
		const clock = newClock(() => 1000);
		clock.isPast(61_000, 1000);
		expect(clock.now()).toBe(61_000);
	});

	it('believes the newest response when a clock was set meanwhile', () => {
		let local = 1_000_000_000;
		const clock = newClock(() => local);
		clock.hear(dateOf(local), local, local);
		const service = local + 1000;
		local += 10 * MINUTE;
		clock.hear(dateOf(service), local, local);
		expect(Math.abs(clock.now() - service)).toBeLessThanOrEqual(1000);
	});

	it('takes no notice of a header that is missing or no date', () => {
		const clock = newClock(() => 5);
		for (const date of [null, '', 'soon']) clock.hear(date, 0, 0);
		expect(clock.now()).toBe(5);
	});
});
