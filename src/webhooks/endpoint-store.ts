import type { Database } from '../core/database.ts';
import { ApiError } from '../core/errors.ts';
import type { Owner } from '../core/principal.ts';
import { nothing, raw, type Sql, sql } from '../core/sql.ts';
import { type DisabledCode, MAX_ENDPOINTS } from './schema.ts';

/** A stored endpoint. `organization_id` is '' without an organization, and `names` is a JSON array. */
export interface EndpointRow {
	user_id: string;
	organization_id: string;
	id: string;
	url: string;
	names: string;
	secret: string;
	previous_secret: string | null;
	previous_secret_until: string | null;
	created_at: string;
	updated_at: string;
	revision: number;
	disabled_code: DisabledCode | null;
	disabled_at: string | null;
	disabled_reason: string | null;
}

const COLUMNS = sql`user_id, organization_id, id, url, names, secret, previous_secret, previous_secret_until, created_at,
	updated_at, revision, disabled_code, disabled_at, disabled_reason`;

/** What a database knows of sending to an endpoint, when that is forgotten. */
const FORGOTTEN = sql`failed_in_a_row = 0, failing_since = NULL, resume_at = NULL`;
/** The table, found by the index of ids. */
export const ENDPOINT_BY_ID = sql`webhook_endpoints INDEXED BY webhook_endpoints_by_id`;

/** The endpoints of a caller. */
const ownEndpoints = ({ userId, organizationId }: Owner): Sql =>
	sql`user_id = ${userId} AND organization_id = ifnull(${organizationId}, '')`;

export const webhookNotFound = (): ApiError => new ApiError('NOT_FOUND', 'The caller has no such webhook.');

/** An endpoint as it is to be stored. */
export interface NewEndpoint {
	id: string;
	owner: Owner;
	url: string;
	names: string;
	secret: string;
	now: string;
}

/**
 * Stores an endpoint in DB. The statement counts the caller's endpoints itself, so that requests at the same time cannot pass
 * the limit together. Throws QUOTA_EXCEEDED. Idempotent, because the id is new.
 */
export async function insertEndpoint(db: Database, endpoint: NewEndpoint): Promise<EndpointRow> {
	const { id, owner, url, names, secret, now } = endpoint;
	const inserted = await db.first<EndpointRow>(
		sql`INSERT INTO webhook_endpoints (user_id, organization_id, id, url, names, secret, created_at, updated_at)
			SELECT ${owner.userId}, ifnull(${owner.organizationId}, ''), ${id}, ${url}, ${names}, ${secret}, ${now}, ${now}
			WHERE (SELECT count(*) FROM webhook_endpoints WHERE ${ownEndpoints(owner)} AND id <> ${id}) < ${MAX_ENDPOINTS}
			ON CONFLICT (user_id, organization_id, id) DO UPDATE SET id = excluded.id RETURNING ${COLUMNS}`,
		{ idempotent: true },
	);
	if (inserted) return inserted;
	throw new ApiError(
		'QUOTA_EXCEEDED',
		`A caller may have ${MAX_ENDPOINTS} webhooks. Delete one of them, or add events to one.`,
	);
}

/** Reads the endpoints of a caller from DB, oldest first. */
export const listEndpoints = (db: Database, owner: Owner): Promise<EndpointRow[]> =>
	db.all<EndpointRow>(
		sql`SELECT ${COLUMNS} FROM webhook_endpoints WHERE ${ownEndpoints(owner)} ORDER BY id LIMIT ${raw(MAX_ENDPOINTS)}`,
	);

/** Reads one endpoint of a caller from DB. Throws NOT_FOUND. */
export async function readEndpoint(db: Database, owner: Owner, id: string): Promise<EndpointRow> {
	const found = await db.first<EndpointRow>(
		sql`SELECT ${COLUMNS} FROM webhook_endpoints WHERE ${ownEndpoints(owner)} AND id = ${id}`,
	);
	if (!found) throw webhookNotFound();
	return found;
}

/** What a caller changes. A field that is undefined stays as it is. */
export interface EndpointChanges {
	url?: string | undefined;
	names?: string | undefined;
	enabled?: boolean | undefined;
}

/** The columns of an endpoint that its caller disables, or of one that is enabled. */
const disabledOr = (enabled: boolean, now: string): Sql =>
	enabled
		? sql`disabled_code = NULL, disabled_at = NULL, disabled_reason = NULL,`
		: sql`disabled_code = ifnull(disabled_code, 'REQUESTED'), disabled_at = ifnull(disabled_at, ${now}),
			disabled_reason = ifnull(disabled_reason, 'It was disabled by an update.'),`;

/** Changes an endpoint in DB, which forgets how sending to it went. Throws NOT_FOUND. */
export async function updateEndpoint(
	db: Database,
	owner: Owner,
	id: string,
	{ url, names, enabled }: EndpointChanges,
	now: string,
): Promise<EndpointRow> {
	const changed = await db.first<EndpointRow>(
		sql`UPDATE webhook_endpoints SET url = ifnull(${url ?? null}, url), names = ifnull(${names ?? null}, names),
			${enabled === undefined ? nothing : disabledOr(enabled, now)}
			updated_at = max(updated_at, ${now}), revision = revision + 1, copied_to = '', ${FORGOTTEN}
			WHERE ${ownEndpoints(owner)} AND id = ${id} RETURNING ${COLUMNS}`,
		{ idempotent: true },
	);
	if (!changed) throw webhookNotFound();
	return changed;
}

/**
 * Gives an endpoint a new secret in DB. The one before signs too until a time. Not retried, because a second run would make the
 * new secret the one before. Throws NOT_FOUND.
 */
export async function rotateSecret(
	db: Database,
	owner: Owner,
	id: string,
	{ secret, previousUntil, now }: { secret: string; previousUntil: string; now: string },
): Promise<EndpointRow> {
	const changed = await db.first<EndpointRow>(
		sql`UPDATE webhook_endpoints SET previous_secret = secret, previous_secret_until = ${previousUntil}, secret = ${secret},
			updated_at = max(updated_at, ${now}), revision = revision + 1, copied_to = ''
			WHERE ${ownEndpoints(owner)} AND id = ${id} RETURNING ${COLUMNS}`,
	);
	if (!changed) throw webhookNotFound();
	return changed;
}

/**
 * Disables a revision of an endpoint in DB for a reason of the service: what an address answered says nothing about the next one.
 * Returns undefined when it is gone, changed, or disabled already.
 */
export const disableEndpoint = (
	db: Database,
	{ id, revision }: Pick<EndpointRow, 'id' | 'revision'>,
	{ code, reason, now }: { code: DisabledCode; reason: string; now: string },
): Promise<EndpointRow | undefined> =>
	db.first<EndpointRow>(
		sql`UPDATE ${ENDPOINT_BY_ID} SET disabled_code = ${code}, disabled_at = ${now}, disabled_reason = ${reason},
			updated_at = max(updated_at, ${now}), revision = revision + 1, copied_to = ''
			WHERE id = ${id} AND revision = ${revision} AND disabled_code IS NULL RETURNING ${COLUMNS}`,
		{ idempotent: true },
	);

/** Deletes an endpoint of a caller from one database. Its messages stay: the scheduled run deletes them. Idempotent. */
export async function deleteEndpoint(db: Database, owner: Owner, id: string): Promise<void> {
	await db.change([sql`DELETE FROM webhook_endpoints WHERE ${ownEndpoints(owner)} AND id = ${id}`], {
		idempotent: true,
	});
}

/**
 * Stores a copy of an endpoint in a further database, unless that has a newer one. What the database knows of sending to the
 * endpoint is forgotten. Idempotent.
 */
export async function copyEndpoint(db: Database, row: EndpointRow): Promise<void> {
	await db.change(
		[
			sql`INSERT INTO webhook_endpoints (${COLUMNS}) VALUES (${row.user_id}, ${row.organization_id}, ${row.id}, ${row.url},
				${row.names}, ${row.secret}, ${row.previous_secret}, ${row.previous_secret_until}, ${row.created_at},
				${row.updated_at}, ${row.revision}, ${row.disabled_code}, ${row.disabled_at}, ${row.disabled_reason})
			ON CONFLICT (user_id, organization_id, id) DO UPDATE SET url = excluded.url, names = excluded.names,
				secret = excluded.secret, previous_secret = excluded.previous_secret,
				previous_secret_until = excluded.previous_secret_until, updated_at = excluded.updated_at,
				revision = excluded.revision, disabled_code = excluded.disabled_code, disabled_at = excluded.disabled_at,
				disabled_reason = excluded.disabled_reason, ${FORGOTTEN}
			WHERE excluded.revision > revision`,
		],
		{ idempotent: true },
	);
}

/** Notes in DB where a revision of an endpoint has been copied to. Returns whether DB still has the endpoint. */
export async function noteCopies(db: Database, { id, revision }: EndpointRow, to: string): Promise<boolean> {
	const [, found] = await db.run<[never, { id: string }]>(
		[
			sql`UPDATE ${ENDPOINT_BY_ID} SET copied_to = ${to} WHERE id = ${id} AND revision = ${revision}`,
			sql`SELECT id FROM ${ENDPOINT_BY_ID} WHERE id = ${id}`,
		],
		{ idempotent: true },
	);
	return found.length > 0;
}

/** Reads from DB some endpoints that have been copied to other databases than `to`. */
export const endpointsToCopy = (db: Database, to: string, count: number): Promise<EndpointRow[]> =>
	db.all<EndpointRow>(
		sql`SELECT ${COLUMNS} FROM (
				SELECT * FROM (SELECT * FROM webhook_endpoints INDEXED BY webhook_endpoints_by_copies
					WHERE copied_to < ${to} LIMIT ${count})
				UNION ALL SELECT * FROM (SELECT * FROM webhook_endpoints INDEXED BY webhook_endpoints_by_copies
					WHERE copied_to > ${to} LIMIT ${count})
			) LIMIT ${count}`,
	);
