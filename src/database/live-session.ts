import type { SessionReference } from '../core/session-reference.ts';

/**
 * An SQL condition on `sessions`: the live session of a caller. IS matches a NULL organization, and uses an index as = does. The
 * plus sign makes SQLite use the unique index of ids. The index of a caller's sessions contains ids too, but does not tell
 * SQLite that there is at most one row.
 */
export const THIS_LIVE = 'id = ? AND +user_id = ? AND organization_id IS ? AND expires_at > ?';

/** The parameters of THIS_LIVE, in their order. */
export const referenceParameters = ({ id, owner, now }: SessionReference) =>
	[id, owner.userId, owner.organizationId, now] as const;
