import type { Owner } from '../core/principal.ts';
import type { SessionReference } from '../core/session-reference.ts';
import { aside, type Sql, sql } from '../core/sql.ts';
import { ownSession, SESSION_BY_ID } from '../database/session-store.ts';
import { EVENT_PREFIX, type SessionName } from './schema.ts';

/**
 * What a write owes to the webhooks of its caller. Each function returns a statement for the batch of the write, so that a
 * message is stored if and only if the write takes effect. It looks for the caller's endpoints first: without any, it costs one
 * look-up in their primary key and writes nothing. A message has the same id however often the statement runs.
 */

/** Whether an endpoint asked for a type of message: by its name, or by a beginning of it that ends in `*`. */
const asksFor = (type: Sql): Sql =>
	sql`EXISTS (SELECT 1 FROM json_each(endpoint.names) WHERE value = ${type} OR (substr(value, -1) = '*'
		AND substr(${type}, 1, length(value) - 1) = substr(value, 1, length(value) - 1)))`;

/** The id of the message about a row of `sessions`, with what has happened to it. */
const messageId = (what: Sql): Sql => sql`'msg_' || substr(sessions.id, 6) || '_' || ${what}`;

/** What is stored of a message, apart from its endpoint. */
interface Content {
	id: Sql;
	type: Sql;
	happenedAt: Sql;
	status: Sql;
	version: Sql;
	eventId: Sql;
}

const insertMessages = (
	{ id, type, happenedAt, status, version, eventId }: Content,
	now: string,
	from: Sql,
): Sql =>
	aside(sql`INSERT INTO webhook_messages
			(endpoint_id, next_try_at, id, type, created_at, session_id, status, version, event_id)
		SELECT endpoint.id, ${now}, ${id}, ${type}, ${happenedAt}, sessions.id, ${status}, ${version}, ${eventId}
		FROM ${from} AND endpoint.disabled_at IS NULL AND ${asksFor(type)}
		ON CONFLICT DO NOTHING RETURNING endpoint_id`);

/** The enabled endpoints of a caller, each with the rows of other tables. CROSS JOIN keeps the endpoints the outer table. */
const endpointsOf = ({ userId, organizationId }: Owner, others: Sql, condition: Sql): Sql =>
	sql`webhook_endpoints AS endpoint CROSS JOIN ${others}
		WHERE endpoint.user_id = ${userId} AND endpoint.organization_id = ifnull(${organizationId}, '') AND ${condition}`;

const aboutSession = (name: SessionName, what: Sql, more: Partial<Content> = {}): Content => ({
	id: messageId(what),
	type: sql`${name}`,
	happenedAt: sql`sessions.updated_at`,
	status: sql`sessions.status`,
	version: sql`sessions.version`,
	eventId: sql`NULL`,
	...more,
});

/** For the batch that creates a session, after it. */
export const oweCreated = (owner: Owner, id: string, now: string): Sql =>
	insertMessages(
		aboutSession('session.created', sql`'v' || sessions.version`),
		now,
		endpointsOf(owner, SESSION_BY_ID, sql`sessions.id = ${id}`),
	);

/**
 * For the batch that changes a session, before the change, with its condition. A status that stays the same owes nothing, and
 * neither does a change without a status, which is undefined.
 */
export const oweStatusChange = (
	{ owner, now }: SessionReference,
	status: string | null | undefined,
	condition: Sql,
): Sql[] =>
	status === undefined || status === null
		? []
		: [
				insertMessages(
					aboutSession('session.status_changed', sql`'v' || (sessions.version + 1)`, {
						happenedAt: sql`max(sessions.updated_at, ${now})`,
						status: sql`${status}`,
						version: sql`sessions.version + 1`,
					}),
					now,
					endpointsOf(owner, SESSION_BY_ID, sql`${condition} AND sessions.status <> ${status}`),
				),
			];

/**
 * For the batch that appends events, after it. `nonces` are the random digits in the ids of the events of this attempt, so it
 * owes nothing when the events are those of an earlier one.
 */
export const oweEvents = (reference: SessionReference, nonces: readonly string[]): Sql =>
	insertMessages(
		{
			id: messageId(sql`'e' || substr(events.id, 5, 10)`),
			type: sql`${EVENT_PREFIX} || events.type`,
			happenedAt: sql`events.created_at`,
			status: sql`sessions.status`,
			version: sql`sessions.version`,
			eventId: sql`events.id`,
		},
		reference.now,
		endpointsOf(
			reference.owner,
			sql`${SESSION_BY_ID} CROSS JOIN events ON events.session_id = sessions.id`,
			sql`${ownSession(reference)}
				AND events.position > (SELECT max(position) FROM events WHERE session_id = sessions.id) - ${nonces.length}
				AND substr(events.id, 15) IN (SELECT value FROM json_each(${JSON.stringify(nonces)}))`,
		),
	);

/** For the batch that deletes a session, before it, with its condition. */
export const oweDeleted = ({ owner, now }: SessionReference, condition: Sql): Sql =>
	insertMessages(
		aboutSession('session.deleted', sql`'deleted'`, { happenedAt: sql`${now}` }),
		now,
		endpointsOf(owner, SESSION_BY_ID, condition),
	);

/** For the batch that deletes expired sessions of any callers, before it, with its condition. */
export const oweExpired = (condition: Sql, now: string): Sql =>
	insertMessages(
		aboutSession('session.expired', sql`'expired'`, { happenedAt: sql`sessions.expires_at` }),
		now,
		sql`${SESSION_BY_ID} CROSS JOIN webhook_endpoints AS endpoint
			ON endpoint.user_id = sessions.user_id AND endpoint.organization_id = ifnull(sessions.organization_id, '')
			WHERE ${condition}`,
	);
