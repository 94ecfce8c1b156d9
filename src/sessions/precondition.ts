import { ApiError } from '../core/errors.ts';
import type { CurrentVersion } from '../database/session-store.ts';
import { entityTag } from '../http/conditional.ts';

/** The versions that the conditions of a request allow. Undefined allows any version. */
export type Versions = readonly number[] | undefined;

/** The error for an If-Match without the current ETag (RFC 9110, 15.5.13). Its response has the current ETag. */
export const preconditionFailed = (current: CurrentVersion): ApiError =>
	new ApiError('PRECONDITION_FAILED', 'The session has changed. Read it again.', {
		headers: { ETag: entityTag(current.version, current.latestEvent) },
	});

/** Throws PRECONDITION_FAILED when a session does not have one of the versions. */
export function checkVersion(current: CurrentVersion, versions: Versions): void {
	if (versions && !versions.includes(current.version)) throw preconditionFailed(current);
}
