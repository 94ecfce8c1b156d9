import type { Database } from '../core/database.ts';
import { nothing, type Sql, sql } from '../core/sql.ts';
import { ENDPOINT_BY_ID } from './endpoint-store.ts';
import { MESSAGE_COLUMNS, type MessageRow, NEVER, UPDATE_MESSAGES } from './message-store.ts';

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

/** When messages are sent again, and until when a delivery can have an endpoint: a longer pause is one that the endpoint asked for. */
export interface Again {
	now: string;
	heldUntil: string;
}

/** Ends a long pause of an endpoint. A short one can mean that a delivery has it. */
const endPause = (endpointId: string, { heldUntil }: Again): Sql =>
	sql`UPDATE ${ENDPOINT_BY_ID} SET resume_at = NULL WHERE id = ${endpointId} AND resume_at > ${heldUntil}`;

/** The due time of what a delivery has taken, or NULL. It is under way, so it must not be made due once more. */
const takenUntil = (endpointId: string, { now, heldUntil }: Again): Sql =>
	sql`(SELECT resume_at FROM ${ENDPOINT_BY_ID} WHERE id = ${endpointId} AND resume_at BETWEEN ${now} AND ${heldUntil})`;

/** Makes a failed message due now, unless it is under way. Returns it, or undefined when there is none. */
export async function retryMessage(
	db: Database,
	endpointId: string,
	{ createdAt, id }: Place,
	again: Again,
): Promise<MessageRow | undefined> {
	const { now } = again;
	const [, [row]] = await db.run<[never, MessageRow]>(
		[
			endPause(endpointId, again),
			sql`${UPDATE_MESSAGES} SET next_try_at = iif(next_try_at = ${takenUntil(endpointId, again)}, next_try_at, ${now})
				WHERE (endpoint_id, next_try_at, id) IN (
					SELECT endpoint_id, next_try_at, id FROM webhook_messages INDEXED BY webhook_messages_by_failure
					WHERE endpoint_id = ${endpointId} AND tries > 0 AND created_at = ${createdAt} AND id = ${id})
				RETURNING ${MESSAGE_COLUMNS}`,
		],
		{ idempotent: true },
	);
	return row;
}

/**
 * Makes failed messages about what has happened since a time due now, the first `count` of them, and the others of the same
 * millisecond as the last of these. Returns how many were neither due nor under way yet, and if there are more, the time from which
 * to go on.
 */
export async function retrySince(
	db: Database,
	endpointId: string,
	{ since, count, ...again }: Again & { since: string; count: number },
): Promise<{ made: number; goesOnFrom: string | null }> {
	const { now } = again;
	const failed = sql`FROM webhook_messages INDEXED BY webhook_messages_by_failure
		WHERE endpoint_id = ${endpointId} AND tries > 0 AND created_at >= ${since}`;
	const last = sql`ifnull((SELECT created_at ${failed} ORDER BY created_at, id LIMIT 1 OFFSET ${count - 1}), ${NEVER})`;
	const [, [next], made] = await db.run<[never, { created_at: string }, { id: string }]>(
		[
			endPause(endpointId, again),
			sql`SELECT created_at ${failed} AND created_at > ${last} ORDER BY created_at LIMIT 1`,
			sql`${UPDATE_MESSAGES} SET next_try_at = ${now} WHERE next_try_at > ${now}
				AND next_try_at IS NOT ${takenUntil(endpointId, again)} AND (endpoint_id, next_try_at, id) IN (
				SELECT endpoint_id, next_try_at, id ${failed} AND created_at <= ${last}) RETURNING id`,
		],
		{ idempotent: true },
	);
	return { made: made.length, goesOnFrom: next?.created_at ?? null };
}
