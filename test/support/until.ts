import { vi } from 'vitest';

/** A little less than the bound of a test, so that a condition which never holds is named. */
export const HANGS_AFTER_MS = 240_000;

/**
 * Waits until a check throws no more, and returns what it returned. The bound means that something hangs: how fast the machine is
 * does not count.
 */
export const until = <T>(check: () => T | Promise<T>): Promise<T> =>
	vi.waitFor(check, { timeout: HANGS_AFTER_MS, interval: 5 });
