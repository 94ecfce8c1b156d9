import { validationError } from '../core/errors.ts';
import type { Settings } from '../core/settings.ts';

/**
 * The expiry (ISO 8601) of a lifetime that starts at `from`, in epoch milliseconds: after `ttlSeconds`, or by default after
 * the lifetime in the settings. Throws VALIDATION_ERROR when `ttlSeconds` exceeds the settings' maximum.
 */
export function expiryOf(from: number, ttlSeconds: number | undefined, settings: Settings): string {
	const max = settings.SESSION_TTL_MAX_SECONDS;
	if (ttlSeconds !== undefined && ttlSeconds > max) {
		throw validationError([{ path: 'ttlSeconds', message: `must be at most ${max}`, code: 'OUT_OF_RANGE' }]);
	}
	return new Date(from + (ttlSeconds ?? settings.SESSION_TTL_SECONDS) * 1000).toISOString();
}
