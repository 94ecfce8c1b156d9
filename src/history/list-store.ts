import type { Database } from '../core/database.ts';
import { type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import { type Sql, sql } from '../core/sql.ts';
import { COUNTED, CURRENT_AFTER, fromOwnSession } from './current-store.ts';

/** A version in a list. */
export interface VersionRow {
	version: number;
	/** The id of the latest event when the version began. Null without events, or when history was off. */
	after_event: string | null;
	/** The columns that its change set, comma-separated. Null when history was off. */
	changed: string | null;
	status: string;
	updated_at: string;
}

const eventAt = (position: Sql): Sql =>
	sql`(SELECT id FROM events WHERE session_id = sessions.id AND position = ${position})`;

/**
 * Reads the versions of a session before the version `before`, newest first, at most `max` of them. The current one is among
 * them. Throws SESSION_NOT_FOUND.
 */
export async function readVersions(
	db: Database,
	reference: SessionReference,
	{ before, max, historyBytes }: { before: number | undefined; max: number; historyBytes: number },
): Promise<VersionRow[]> {
	const earlier = sql`CROSS JOIN versions ON versions.session_id = sessions.id
		AND versions.version < min(sessions.version, ${before ?? Number.MAX_SAFE_INTEGER})`;
	const [[current], rows] = await db.run<[VersionRow, VersionRow]>([
		sql`SELECT sessions.version, ${eventAt(CURRENT_AFTER)} AS after_event, last.next_changed AS changed,
			sessions.status, sessions.updated_at ${fromOwnSession(reference)}`,
		sql`SELECT versions.version, ${eventAt(sql`versions.after_event`)} AS after_event, versions.changed,
			versions.status, versions.updated_at ${fromOwnSession(reference, earlier)}
			AND ${COUNTED} - versions.bytes_before <= ${historyBytes} ORDER BY versions.version DESC LIMIT ${max}`,
	]);
	if (!current) throw sessionNotFound();
	return (before === undefined || current.version < before ? [current, ...rows] : rows).slice(0, max);
}
