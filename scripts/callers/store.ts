import { type DeletedSessions, deleteChunk } from '../../src/cleanup/store.ts';
import type { Database } from '../../src/core/database.ts';
import type { Owner } from '../../src/core/principal.ts';
import { raw, type Sql, sql } from '../../src/core/sql.ts';
import { VERSION_BYTES } from '../../src/history/size-store.ts';
import { deleteMessages } from '../../src/webhooks/message-store.ts';

/**
 * What the commands on callers read and delete. Each statement has bounded work, because D1 runs one at a time. Together the
 * reads go through whole tables, so only commands may use them.
 */

/** Rows of one statement. */
const SESSIONS_AT_ONCE = raw(1000);
const KEYS_AT_ONCE = 5000;
const DELETED_NOTES_AT_ONCE = raw(500);
const MESSAGES_AT_ONCE = 1000;

/** What a caller has in some sessions, expired ones included until they are deleted. */
interface StoredSessions extends Owner {
	sessions: number;
	liveSessions: number;
	events: number;
	/** Of the objects of the sessions, of the content of the events, and of earlier versions. */
	bytes: number;
	/** ISO 8601. */
	lastChangeAt: string;
}

/** The API keys of a caller. */
interface StoredKeys extends Owner {
	keys: number;
	activeKeys: number;
	lastUsedAt: string | null;
}

/** A row, with the place of the last one in its chunk: a rowid, or an id. */
type Chunk<Row, Place = number> = Row & { last: Place };

const ofOwner = ({ userId, organizationId }: Owner): Sql =>
	sql`user_id = ${userId} AND organization_id IS ${organizationId}`;

/** Yields what the callers have in each part of a database. Part by part, a caller can come again. */
export async function* storedSessions(
	db: Database,
	now: string,
	owner?: Owner,
): AsyncGenerator<StoredSessions, void> {
	const last = (column: Sql) =>
		sql`ifnull((SELECT ${column} FROM events WHERE session_id = sessions.id ORDER BY position DESC LIMIT 1), 0)`;
	const columns = sql`user_id, organization_id, expires_at, updated_at, ${last(raw('position'))} AS events,
		ifnull(octet_length(prd), 0) + ifnull(octet_length(plan), 0) + ifnull(octet_length(product_object), 0)
			+ ifnull(octet_length(assembly_state), 0) + ${last(raw('bytes_so_far'))} + ${VERSION_BYTES} AS bytes`;
	const part = (place: string | number) =>
		owner
			? sql`SELECT id AS place, ${columns} FROM sessions WHERE ${ofOwner(owner)} AND id > ${place} ORDER BY id`
			: sql`SELECT rowid AS place, ${columns} FROM sessions WHERE rowid > ${place} ORDER BY rowid`;
	let place: string | number = owner ? '' : 0;
	for (;;) {
		const rows = await db.all<Chunk<StoredSessions, string | number>>(
			sql`SELECT user_id AS userId, organization_id AS organizationId, count(*) AS sessions,
					sum(expires_at > ${now}) AS liveSessions, sum(events) AS events, sum(bytes) AS bytes,
					max(updated_at) AS lastChangeAt, max(place) AS last
				FROM (${part(place)} LIMIT ${SESSIONS_AT_ONCE}) GROUP BY user_id, organization_id`,
		);
		if (rows.length === 0) return;
		yield* rows;
		// The sessions of one caller are in the order of their ids, which are one group.
		place = owner ? (rows[0]?.last ?? '') : Math.max(...rows.map(({ last: each }) => Number(each)));
	}
}

/** Yields the API keys of callers in each part of DB, in the same way. */
export async function* storedKeys(db: Database, now: string): AsyncGenerator<StoredKeys, void> {
	for (let place = 0; ; ) {
		const rows: Chunk<StoredKeys>[] = await db.all(
			sql`SELECT user_id AS userId, organization_id AS organizationId, count(*) AS keys,
					sum(revoked_at IS NULL AND ifnull(expires_at, '9') > ${now}) AS activeKeys, max(last_used_at) AS lastUsedAt,
					max(place) AS last
				FROM (SELECT rowid AS place, user_id, organization_id, revoked_at, expires_at, last_used_at FROM api_keys
					WHERE rowid > ${place} ORDER BY rowid LIMIT ${KEYS_AT_ONCE}) GROUP BY user_id, organization_id`,
		);
		if (rows.length === 0) return;
		yield* rows;
		place = Math.max(place, ...rows.map(({ last }) => last));
	}
}

/** The webhooks of a caller. */
interface StoredWebhooks extends Owner {
	webhooks: number;
	enabledWebhooks: number;
}

/** Yields the webhooks of callers in each part of DB, or those of one caller. Part by part, a caller can come again. */
export async function* storedWebhooks(db: Database, owner?: Owner): AsyncGenerator<StoredWebhooks, void> {
	type Row = { user_id: string; organization_id: string; id: string; isEnabled: 0 | 1 };
	let place: Pick<Row, 'user_id' | 'organization_id' | 'id'> | undefined;
	for (;;) {
		const own = owner
			? sql`user_id = ${owner.userId} AND organization_id = ifnull(${owner.organizationId}, '')`
			: sql`true`;
		const after: Sql = place
			? sql`(user_id, organization_id, id) > (${place.user_id}, ${place.organization_id}, ${place.id})`
			: sql`true`;
		const rows: Row[] = await db.all<Row>(
			sql`SELECT user_id, organization_id, id, disabled_at IS NULL AS isEnabled FROM webhook_endpoints
				WHERE ${own} AND ${after} ORDER BY user_id, organization_id, id LIMIT ${SESSIONS_AT_ONCE}`,
		);
		for (const { user_id: userId, organization_id: organization, isEnabled } of rows) {
			yield { userId, organizationId: organization || null, webhooks: 1, enabledWebhooks: isEnabled };
		}
		place = rows.at(-1);
		if (!place) return;
	}
}

/**
 * Deletes the webhooks of a caller in one database, and then their messages. Returns how many of both. The scheduled run deletes the
 * messages that a run leaves which is broken off.
 */
export async function deleteWebhooks(
	db: Database,
	{ userId, organizationId }: Owner,
): Promise<{ webhooks: number; messages: number }> {
	const own = sql`user_id = ${userId} AND organization_id = ifnull(${organizationId}, '')`;
	const found = await db.all<{ id: string }>(sql`SELECT id FROM webhook_endpoints WHERE ${own}`);
	const [webhooks = 0] = await db.change([sql`DELETE FROM webhook_endpoints WHERE ${own}`], {
		idempotent: true,
	});
	let messages = 0;
	for (const { id } of found) {
		for (let deleted = MESSAGES_AT_ONCE; deleted === MESSAGES_AT_ONCE; messages += deleted) {
			deleted = await deleteMessages(db, id, MESSAGES_AT_ONCE);
		}
	}
	return { webhooks, messages };
}

/** Deletes the API keys of a caller, and those for one session that it has made. Returns their number. */
export async function deleteKeys(db: Database, owner: Owner): Promise<number> {
	const newest = await db.first<{ place: number | null }>(sql`SELECT max(rowid) AS place FROM api_keys`);
	let deleted = 0;
	for (let place = 0; place < (newest?.place ?? 0); place += KEYS_AT_ONCE) {
		const [some = 0] = await db.change(
			[
				sql`DELETE FROM api_keys WHERE rowid > ${place} AND rowid <= ${place + KEYS_AT_ONCE} AND ${ofOwner(owner)}`,
			],
			{ idempotent: true },
		);
		deleted += some;
	}
	return deleted;
}

/** What was deleted of a caller. */
interface DeletedOfCaller extends DeletedSessions {
	/** Notes of where the sessions with an Idempotency-Key are. */
	notes: number;
}

/**
 * Yields what each chunk has deleted of a caller's sessions, with their events and versions, until nothing is left. A chunk is as much
 * work as one of the cleanup.
 */
export async function* deleteSessions(db: Database, owner: Owner): AsyncGenerator<DeletedOfCaller, void> {
	const condition = ofOwner(owner);
	const ids = sql`SELECT id FROM sessions INDEXED BY sessions_by_owner WHERE ${condition} ORDER BY id`;
	const deleteNotes = sql`DELETE FROM create_keys INDEXED BY sqlite_autoindex_create_keys_1
		WHERE (user_id, organization_id, idempotency_key) IN (
			SELECT user_id, organization_id, idempotency_key FROM create_keys
			WHERE user_id = ${owner.userId} AND organization_id = ifnull(${owner.organizationId}, '')
			LIMIT ${DELETED_NOTES_AT_ONCE}) RETURNING 1`;
	for (;;) {
		const statements = { before: [], after: [deleteNotes] };
		const { deleted, isLast, also } = await deleteChunk<[unknown]>(db, { ids, condition }, () => statements);
		const notes = also[0].length;
		if (isLast && notes === 0) return;
		yield { ...deleted, notes };
	}
}
