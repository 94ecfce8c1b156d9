import type { Database } from '../core/database.ts';
import { raw, type Sql, sql } from '../core/sql.ts';
import { ENDPOINT_BY_ID, type EndpointRow } from './endpoint-store.ts';
import type { Failure } from './schema.ts';

/** A stored message. */
export interface MessageRow {
	id: string;
	next_try_at: string;
	type: string;
	created_at: string;
	session_id: string;
	status: string;
	version: number;
	event_id: string | null;
	tries: number;
	last_try_at: string | null;
	last_status: number | null;
	last_error: Failure | null;
}

/** The time of the next try of a message that has had its last one. It sorts after every time. */
export const NEVER = 'never';

export const MESSAGE_COLUMNS = sql`id, next_try_at, type, created_at, session_id, status, version, event_id, tries, last_try_at, last_status,
	last_error`;
/** The table, found by its primary key. */
export const MESSAGES = sql`webhook_messages INDEXED BY sqlite_autoindex_webhook_messages_1`;
/**
 * Changes messages. A write that is repeated after a lost response owes its messages again, and if a delivery has taken the first ones
 * by then, there are two of each. When both get the same time, one replaces the other.
 */
export const UPDATE_MESSAGES = sql`UPDATE OR REPLACE ${MESSAGES}`;

/** An endpoint as a delivery needs it. */
export type Target = Pick<
	EndpointRow,
	| 'id'
	| 'revision'
	| 'user_id'
	| 'organization_id'
	| 'url'
	| 'secret'
	| 'previous_secret'
	| 'previous_secret_until'
> & { failed_in_a_row: number; failing_since: string | null };

/** A delivery that has an endpoint: nobody else delivers to it from this database before `until`. */
export interface Hold {
	endpointId: string;
	/** ISO 8601. Also until when nobody else takes the messages that were taken last. */
	until: string;
}

/**
 * Takes an endpoint and those of its messages that are due at `now`, the longest due first, until a time. `held` is the hold of
 * the same delivery. Returns no target when the endpoint is gone or disabled, and then no messages; nor when it is pausing, or
 * another delivery has it. Without messages the endpoint is not taken. Not repeated after a lost response, because the endpoint
 * is then taken.
 */
export async function takeMessages(
	db: Database,
	endpointId: string,
	{ now, until, count, held }: { now: string; until: string; count: number; held: Hold | undefined },
): Promise<{ target: Target | undefined; messages: MessageRow[] }> {
	const isFree = sql`webhook_endpoints.id = ${endpointId} AND disabled_at IS NULL
		AND (resume_at IS NULL OR resume_at <= ${now} OR resume_at = ${held?.until ?? null})`;
	const [[target], messages] = await db.run<[Target, MessageRow, never]>([
		sql`SELECT id, revision, user_id, organization_id, url, secret, previous_secret, previous_secret_until, failed_in_a_row, failing_since
			FROM ${ENDPOINT_BY_ID} WHERE id = ${endpointId} AND disabled_at IS NULL`,
		sql`${UPDATE_MESSAGES} SET next_try_at = ${until} WHERE (endpoint_id, next_try_at, id) IN (
				SELECT endpoint_id, next_try_at, id FROM webhook_messages
				WHERE endpoint_id = ${endpointId} AND next_try_at <= ${now} ORDER BY next_try_at LIMIT ${count})
			AND EXISTS (SELECT 1 FROM ${ENDPOINT_BY_ID} WHERE ${isFree})
			RETURNING ${MESSAGE_COLUMNS}`,
		sql`UPDATE ${ENDPOINT_BY_ID} SET resume_at = ${until} WHERE ${isFree}
			AND EXISTS (SELECT 1 FROM webhook_messages WHERE endpoint_id = ${endpointId} AND next_try_at = ${until})`,
	]);
	return { target, messages };
}

/** Whether an endpoint is still as a delivery has read it: not deleted, not disabled, and not changed. */
export async function isUnchanged(
	db: Database,
	{ id, revision }: Pick<Target, 'id' | 'revision'>,
): Promise<boolean> {
	const found = await db.first(
		sql`SELECT 1 FROM ${ENDPOINT_BY_ID} WHERE id = ${id} AND revision = ${revision} AND disabled_at IS NULL`,
	);
	return found !== undefined;
}

/** How the try of a message went that did not arrive. Without `failed` it was not tried, and waits. */
export interface Outstanding {
	id: string;
	/** ISO 8601, or NEVER. */
	nextTryAt: string;
	failed?: { at: string; status: number | null; error: Failure };
}

/** What a delivery stores after it has sent what it had taken. */
export interface Settlement {
	arrived: readonly string[];
	outstanding: readonly Outstanding[];
	failedInARow: number;
	/** Since when every try has failed. Null: the last one arrived. */
	failingSince: string | null;
	/** Until when the endpoint gets nothing. Null: it need not pause. */
	resumeAt: string | null;
}

/**
 * Deletes the messages that have arrived, and puts back the others, of those that were taken with a hold. A message that somebody
 * else has taken since is left alone. Frees the endpoint, except for a delivery that goes on and finds more due at `now`. Returns
 * whether it still has the endpoint, whether more is due, because a wake that came meanwhile relies on that, and when the first of
 * the others is due, in ISO 8601 or NEVER.
 */
export async function settleMessages(
	db: Database,
	{ endpointId, until: takenUntil }: Hold,
	{ arrived, outstanding, failedInARow, failingSince, resumeAt }: Settlement,
	{ goesOn, now }: { goesOn: boolean; now: string },
): Promise<{ isHeld: boolean; isDue: boolean; nextTryAt: string }> {
	const keys = (ids: string) =>
		sql`(endpoint_id, next_try_at, id) IN (SELECT ${endpointId}, ${takenUntil}, value FROM json_each(${ids}))`;
	const rows = JSON.stringify(
		Object.fromEntries(
			outstanding.map(({ id, nextTryAt, failed }) => [
				id,
				[nextTryAt, failed ? 1 : 0, failed?.at ?? null, failed?.status ?? null, failed?.error ?? null],
			]),
		),
	);
	// D1 binds a number as a REAL, which is no place in an array.
	const of = (place: Sql) => sql`${rows} -> ('$.' || id) ->> ${place}`;
	const ifTried = (column: Sql, place: Sql) => sql`iif(${of(raw('1'))} = 1, ${of(place)}, ${column})`;
	const isDue = sql`EXISTS (SELECT 1 FROM webhook_messages WHERE endpoint_id = ${endpointId} AND next_try_at <= ${now})`;
	const nextTryAt = sql`(SELECT next_try_at FROM webhook_messages
		WHERE endpoint_id = ${endpointId} AND next_try_at > ${now} ORDER BY next_try_at LIMIT 1)`;
	const results = await db.run<{ isHeld: 0 | 1 | null; isDue: 0 | 1; nextTryAt: string | null }[]>(
		[
			...(arrived.length > 0 ? [sql`DELETE FROM ${MESSAGES} WHERE ${keys(JSON.stringify(arrived))}`] : []),
			...(outstanding.length > 0
				? [
						sql`${UPDATE_MESSAGES} SET next_try_at = ${of(raw('0'))}, tries = tries + ${of(raw('1'))},
							last_try_at = ${ifTried(sql`last_try_at`, raw('2'))}, last_status = ${ifTried(sql`last_status`, raw('3'))},
							last_error = ${ifTried(sql`last_error`, raw('4'))}
						WHERE ${keys(JSON.stringify(outstanding.map(({ id }) => id)))}`,
					]
				: []),
			sql`UPDATE ${ENDPOINT_BY_ID} SET failed_in_a_row = ${failedInARow}, failing_since = ${failingSince},
					resume_at = ${goesOn ? sql`iif(${isDue}, ${takenUntil}, ${resumeAt})` : sql`${resumeAt}`}
				WHERE id = ${endpointId} AND resume_at = ${takenUntil}
				RETURNING resume_at = ${takenUntil} AS isHeld, ${isDue} AS isDue, ${nextTryAt} AS nextTryAt`,
		],
		{ idempotent: true },
	);
	const [state] = results.at(-1) ?? [];
	// An update of the endpoint ends the hold. Then nobody knows what is due.
	return { isHeld: state?.isHeld === 1, isDue: state?.isDue !== 0, nextTryAt: state?.nextTryAt ?? NEVER };
}

/** An endpoint that has messages in a database. */
export interface Busy {
	endpoint_id: string;
	/** The due time of its first message. NEVER: all have had their last try. */
	next_try_at: string;
	/** Whether nobody waits for the messages: the endpoint is gone, or was disabled before the time until which they are kept. */
	is_unwanted: 0 | 1;
	/** Whether messages can be sent: it is enabled, and not pausing. */
	is_sending: 0 | 1;
	/** Whether it had no trouble lately. */
	is_healthy: 0 | 1;
	/** The revision of an endpoint that is enabled, and was not changed since a time. Otherwise null. */
	steady_revision: number | null;
	/** Whether it is enabled, and has messages that had their last try, about what happened before that time. */
	has_old: 0 | 1;
}

/** Lists endpoints that have messages, in the order of their ids after `after`. It takes two look-ups for each. */
export const busyEndpoints = (
	db: Database,
	{
		after,
		now,
		keptFrom,
		steadyFrom,
		count,
	}: Record<'after' | 'now' | 'keptFrom' | 'steadyFrom', string> & { count: number },
): Promise<Busy[]> =>
	db.all<Busy>(
		sql`WITH RECURSIVE busy (id, place) AS (
				SELECT min(endpoint_id), 1 FROM webhook_messages WHERE endpoint_id > ${after}
				UNION ALL
				SELECT (SELECT min(endpoint_id) FROM webhook_messages WHERE endpoint_id > busy.id), place + 1
				FROM busy WHERE busy.id IS NOT NULL AND place < ${count})
			SELECT busy.id AS endpoint_id,
				(SELECT next_try_at FROM webhook_messages WHERE endpoint_id = busy.id ORDER BY next_try_at LIMIT 1) AS next_try_at,
				webhook_endpoints.id IS NULL OR ifnull(disabled_at < ${keptFrom}, 0) AS is_unwanted,
				ifnull(disabled_at IS NULL AND (resume_at IS NULL OR resume_at <= ${now}), 0) AS is_sending,
				ifnull(failing_since IS NULL AND resume_at IS NULL, 0) AS is_healthy,
				iif(disabled_at IS NULL AND updated_at < ${steadyFrom}, revision, NULL) AS steady_revision,
				disabled_at IS NULL AND EXISTS (SELECT 1 FROM webhook_messages INDEXED BY webhook_messages_by_failure
					WHERE endpoint_id = busy.id AND tries > 0 AND webhook_messages.created_at < ${keptFrom}
						AND webhook_messages.next_try_at = ${NEVER}) AS has_old
			FROM busy LEFT JOIN ${ENDPOINT_BY_ID} ON webhook_endpoints.id = busy.id WHERE busy.id IS NOT NULL`,
	);

/** Whether more than `count` messages of an endpoint wait for a try. It reads so many. */
export async function isWaitingForMore(db: Database, endpointId: string, count: number): Promise<boolean> {
	const found = await db.first(
		sql`SELECT 1 FROM webhook_messages WHERE endpoint_id = ${endpointId} AND next_try_at < ${NEVER}
			ORDER BY next_try_at LIMIT 1 OFFSET ${count}`,
	);
	return found !== undefined;
}

/** Deletes at most `count` messages of an endpoint. Returns how many. */
export async function deleteMessages(db: Database, endpointId: string, count: number): Promise<number> {
	const [deleted = 0] = await db.change(
		[
			sql`DELETE FROM ${MESSAGES} WHERE (endpoint_id, next_try_at, id) IN (
				SELECT endpoint_id, next_try_at, id FROM webhook_messages WHERE endpoint_id = ${endpointId} LIMIT ${count})`,
		],
		{ idempotent: true },
	);
	return deleted;
}

/** Deletes at most `count` messages of an endpoint that had their last try, about what happened before a time. Returns how many. */
export async function deleteOldFailures(
	db: Database,
	endpointId: string,
	keptFrom: string,
	count: number,
): Promise<number> {
	const [deleted = 0] = await db.change(
		[
			sql`DELETE FROM ${MESSAGES} WHERE (endpoint_id, next_try_at, id) IN (
				SELECT endpoint_id, next_try_at, id FROM webhook_messages INDEXED BY webhook_messages_by_failure
				WHERE endpoint_id = ${endpointId} AND tries > 0 AND created_at < ${keptFrom}
					AND next_try_at = ${NEVER} ORDER BY created_at LIMIT ${count})`,
		],
		{ idempotent: true },
	);
	return deleted;
}
