import type { Owner } from '../core/principal.ts';
import type { SessionReference } from '../core/session-reference.ts';
import { isListed, join, raw, type Sql, sql } from '../core/sql.ts';

/**
 * The rule that keeps callers apart: the sessions of one caller that have not expired at `now` (ISO 8601). IS matches a
 * NULL organization, and uses an index as = does.
 */
export const ownSessions = ({ userId, organizationId }: Owner, now: string): Sql =>
	sql`sessions.user_id = ${userId} AND sessions.organization_id IS ${organizationId} AND sessions.expires_at > ${now}`;

/** The same rule for the one session with an id. Statements with it name SESSION_BY_ID as their table. */
export const ownSession = ({ id, owner, now }: SessionReference): Sql =>
	sql`sessions.id = ${id} AND ${ownSessions(owner, now)}`;

/**
 * The table, found by its index of ids. Without this, SQLite uses the index of a caller's sessions, which contains ids too, or
 * scans the table where it has statistics from a time when the table was small.
 */
export const SESSION_BY_ID = sql`sessions INDEXED BY sessions_by_id`;

/** The position of the latest event of a row of `sessions`; 0 without events. */
export const LATEST_POSITION = sql`ifnull((SELECT max(position) FROM events WHERE session_id = sessions.id), 0)`;

/**
 * Selects columns of the one session of a condition, and of its latest event as `last_event`: NULL without events. Both
 * columns of the event take one seek.
 */
export const selectWithLastEvent = (columns: readonly Sql[], condition: Sql): Sql =>
	sql`SELECT ${join(columns)}
		FROM ${SESSION_BY_ID} LEFT JOIN events AS last_event ON last_event.session_id = sessions.id
		WHERE ${condition} ORDER BY last_event.position DESC LIMIT 1`;

/** A row of `selectVersion`: the parts of the current ETag. */
export interface CurrentVersion {
	version: number;
	latestEvent: number;
}

/** The opaque tags that a caller has, each `version` or `version.position`, or any. */
export type KnownTags = readonly string[] | 'any';

/** Whether tags name a version of a session. `position` is that of the latest event, NULL where tags have none. */
export const namesVersion = (tags: KnownTags, version: Sql, position: Sql): Sql =>
	tags === 'any' ? raw('true') : isListed(sql`${version} || ifnull('.' || ${position}, '')`, tags);

/** Selects the version of a session, the position of its latest event, and further columns. */
export const selectVersion = (reference: SessionReference, columns: readonly Sql[] = []): Sql =>
	sql`SELECT ${join([sql`version`, sql`${LATEST_POSITION} AS latestEvent`, ...columns])}
		FROM ${SESSION_BY_ID} WHERE ${ownSession(reference)}`;
