import type { Database } from '../core/database.ts';
import { nothing, sql } from '../core/sql.ts';
import { MESSAGE_COLUMNS, MESSAGES, type MessageRow } from './message-store.ts';

/** The place of a message in the list of failures. */
export interface Place {
	createdAt: string;
	id: string;
}

/** Reads the failures of an endpoint in one database, newest first, after a place. */
export const listFailures = (
	db: Database,
	endpointId: string,
	before: Place | undefined,
	count: number,
): Promise<MessageRow[]> =>
	db.all<MessageRow>(
		sql`SELECT ${MESSAGE_COLUMNS} FROM webhook_messages INDEXED BY webhook_messages_by_failure
			WHERE endpoint_id = ${endpointId} AND tries > 0
			${before ? sql`AND (created_at, id) < (${before.createdAt}, ${before.id})` : nothing}
			ORDER BY created_at DESC, id DESC LIMIT ${count}`,
	);

/** Makes a failed message due now. Returns it, or undefined when there is none. */
export const retryMessage = (
	db: Database,
	endpointId: string,
	{ createdAt, id }: Place,
	now: string,
): Promise<MessageRow | undefined> =>
	db.first<MessageRow>(
		sql`UPDATE ${MESSAGES} SET next_try_at = ${now} WHERE (endpoint_id, next_try_at, id) IN (
				SELECT endpoint_id, next_try_at, id FROM webhook_messages INDEXED BY webhook_messages_by_failure
				WHERE endpoint_id = ${endpointId} AND tries > 0 AND created_at = ${createdAt} AND id = ${id})
			RETURNING ${MESSAGE_COLUMNS}`,
		{ idempotent: true },
	);

/**
 * Makes failed messages about what has happened since a time due now, the first `count` of them. Returns how many were not due
 * yet, and if there are more, the time from which to go on.
 */
export async function retrySince(
	db: Database,
	endpointId: string,
	{ since, now, count }: { since: string; now: string; count: number },
): Promise<{ made: number; goesOnFrom: string | null }> {
	const first = sql`SELECT endpoint_id, next_try_at, id, created_at
		FROM webhook_messages INDEXED BY webhook_messages_by_failure
		WHERE endpoint_id = ${endpointId} AND tries > 0 AND created_at >= ${since} ORDER BY created_at, id LIMIT ${count}`;
	const [[found], made] = await db.run<[{ found: number; latest: string | null }, { id: string }]>(
		[
			sql`SELECT count(*) AS found, max(created_at) AS latest FROM (${first})`,
			sql`UPDATE ${MESSAGES} SET next_try_at = ${now} WHERE next_try_at > ${now} AND (endpoint_id, next_try_at, id) IN (
				SELECT endpoint_id, next_try_at, id FROM (${first})) RETURNING id`,
		],
		{ idempotent: true },
	);
	return { made: made.length, goesOnFrom: found?.found === count ? found.latest : null };
}
