import { afterEach, describe, expect, it, vi } from 'vitest';
import { delayBefore, pause, retryAfterMs } from '../../src/client/retry.ts';

afterEach(() => {
	vi.useRealTimers();
});

describe('the delay before a retry', () => {
	it('is a random part of a span that doubles up to its maximum', () => {
		const random = vi.spyOn(Math, 'random').mockReturnValue(1);
		expect([1, 2, 3, 9].map((retry) => delayBefore(retry, 0, 100, 1000))).toEqual([100, 200, 400, 1000]);
		random.mockReturnValue(0.5);
		expect(delayBefore(2, 0, 100, 1000)).toBe(100);
	});

	it('is added to the time that Retry-After asks for', () => {
		vi.spyOn(Math, 'random').mockReturnValue(0);
		expect(delayBefore(1, 2000)).toBe(2000);
	});

	it('is undefined when Retry-After asks for more than two minutes', () => {
		expect(delayBefore(1, 120_001)).toBeUndefined();
	});
});

describe('Retry-After', () => {
	it('is read as seconds or as a date', () => {
		vi.spyOn(Date, 'now').mockReturnValue(Date.parse('2026-01-15T09:30:00Z'));
		expect(retryAfterMs('3')).toBe(3000);
		expect(retryAfterMs('Thu, 15 Jan 2026 09:30:05 GMT')).toBe(5000);
		expect(retryAfterMs('Thu, 15 Jan 2026 09:29:00 GMT')).toBe(0);
	});

	it('counts as zero when it is missing or invalid', () => {
		expect([retryAfterMs(null), retryAfterMs('soon')]).toEqual([0, 0]);
	});
});

describe('a pause', () => {
	it('ends when the signal aborts, and clears its timer', async () => {
		vi.useFakeTimers();
		const leaving = new AbortController();
		const paused = pause(60_000, leaving.signal);
		leaving.abort(new Error('The user left.'));
		await expect(paused).rejects.toThrow('The user left.');
		expect(vi.getTimerCount()).toBe(0);
	});

	it('does not start when the signal has already aborted', async () => {
		await expect(pause(60_000, AbortSignal.abort(new Error('The user left.')))).rejects.toThrow(
			'The user left.',
		);
	});
});
