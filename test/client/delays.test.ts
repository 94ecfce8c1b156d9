import { afterEach, describe, expect, it, vi } from 'vitest';
import { pause } from '../../src/client/abort.ts';
import { delayBefore, retryAfterMs } from '../../src/client/retry.ts';

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
});

const headers = (retryAfter: string | null, date: string | null = null) => ({
	get: (name: string) => (name === 'Retry-After' ? retryAfter : date),
});

describe('Retry-After', () => {
	it('is read as seconds or as a date', () => {
		vi.spyOn(Date, 'now').mockReturnValue(Date.parse('2026-01-15T09:30:00Z'));
		expect(retryAfterMs(headers('3'))).toBe(3000);
		expect(retryAfterMs(headers('Thu, 15 Jan 2026 09:30:05 GMT'))).toBe(5000);
		expect(retryAfterMs(headers('Thu, 15 Jan 2026 09:29:00 GMT'))).toBe(0);
	});

	it('counts as zero when it is missing or invalid', () => {
		expect([retryAfterMs(headers(null)), retryAfterMs(headers('soon'))]).toEqual([0, 0]);
	});

	it('is compared with the clock of the server, because that of the client may be wrong', () => {
		vi.spyOn(Date, 'now').mockReturnValue(Date.parse('2020-01-01T00:00:00Z'));
		const wait = headers('Thu, 15 Jan 2026 09:30:05 GMT', 'Thu, 15 Jan 2026 09:30:00 GMT');
		expect(retryAfterMs(wait)).toBe(5000);
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
