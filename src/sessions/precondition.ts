import { ApiError } from '../core/errors.ts';
import type { CurrentVersion } from '../database/session-store.ts';
import { entityTag } from '../http/conditional.ts';

/** The versions that the conditions of a request allow. Undefined allows any version. */
export type Versions = readonly number[] | undefined;

/** The error for a condition that does not hold (RFC 9110, 15.5.13). Its response has the current ETag. */
const preconditionFailed = (message: string, current: CurrentVersion): ApiError =>
	new ApiError('PRECONDITION_FAILED', message, {
		headers: { ETag: entityTag(current.version, current.latestEvent) },
	});

/** Throws PRECONDITION_FAILED when a session does not have one of the versions. */
export function checkVersion(current: CurrentVersion, versions: Versions): void {
	if (!versions || versions.includes(current.version)) return;
	throw preconditionFailed('The session has changed. Read it again.', current);
}

/** Throws PRECONDITION_FAILED when a session has one of the versions that an If-None-Match rejects. */
export function checkNotRefused(current: CurrentVersion, refused: readonly number[] | 'all'): void {
	if (refused !== 'all' && !refused.includes(current.version)) return;
	throw preconditionFailed('If-None-Match names the version of the session. Write without it.', current);
}
