import type { SessionReference } from '../core/session-reference.ts';
import { nothing, type Sql, sql } from '../core/sql.ts';
import { ownSession, SESSION_BY_ID } from '../database/session-store.ts';

/**
 * A session of the caller as `sessions`, and the version before its current one as `last`, if that is kept. `more` joins further
 * versions.
 */
export const fromOwnSession = (reference: SessionReference, more: Sql = nothing): Sql =>
	sql`FROM ${SESSION_BY_ID}
		LEFT JOIN versions AS last ON last.session_id = sessions.id AND last.version = sessions.version - 1
		${more} WHERE ${ownSession(reference)}`;

/** The bytes that all versions before the current one have counted. */
export const COUNTED = sql`(last.bytes_before + last.bytes)`;

/** The position of the latest event when the current version began. NULL when its change was made while history was off. */
export const CURRENT_AFTER = sql`CASE sessions.version WHEN 1 THEN 0 ELSE last.next_after_event END`;
