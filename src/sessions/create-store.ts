import type { Database } from '../core/database.ts';
import { ApiError } from '../core/errors.ts';
import { type Idempotency, idempotencyKeyReused } from '../core/idempotency.ts';
import type { Owner } from '../core/principal.ts';
import type { Settings } from '../core/settings.ts';
import { isListed, raw, type Sql, sql } from '../core/sql.ts';
import { ownSessions, SESSION_BY_ID } from '../database/session-store.ts';
import { oweCreated } from '../webhooks/owed-store.ts';
import { objectColumns } from './fields.ts';
import { columnsBut, type SessionRow } from './row-store.ts';

export interface NewSession {
	id: string;
	owner: Owner;
	catalogVersion: string | null;
	schemaVersion: string | null;
	status: string;
	prd: string | null;
	plan: string | null;
	productObject: string | null;
	productObjectHash: string | null;
	assemblyState: string | null;
	/** ISO 8601. */
	createdAt: string;
	expiresAt: string;
}

const insertStatement = (
	session: NewSession,
	{ key, fingerprint }: Idempotency | { key: null; fingerprint: null },
	hasRoom: Sql | undefined,
): Sql => {
	const { id, owner, status, catalogVersion, schemaVersion, createdAt, expiresAt } = session;
	const { prd, plan, productObject, productObjectHash, assemblyState } = session;
	const values = sql`${id}, ${owner.userId}, ${owner.organizationId}, ${status}, ${catalogVersion}, ${schemaVersion},
		${prd}, ${plan}, ${productObject}, ${productObjectHash}, ${assemblyState}, ${createdAt}, ${createdAt}, ${expiresAt},
		${key}, ${fingerprint}`;
	return sql`INSERT INTO sessions (id, user_id, organization_id, status, catalog_version, schema_version,
			prd, plan, product_object, product_object_hash, assembly_state, created_at, updated_at, expires_at,
			idempotency_key, idempotency_fingerprint)
		${hasRoom ? sql`SELECT ${values} WHERE ${hasRoom}` : sql`VALUES (${values})`}`;
};

/**
 * Whether the caller may have one more session. The count ends at the quota, so it reads at most as many index entries as the
 * quota allows, and those of expired sessions that the cleanup has not deleted yet. A repeated INSERT finds its own session.
 * Undefined without a quota.
 */
const hasRoomFor = ({ id, owner, createdAt }: NewSession, max: number): Sql | undefined =>
	max === Number.POSITIVE_INFINITY
		? undefined
		: sql`((SELECT count(*) FROM (SELECT 1 FROM sessions INDEXED BY sessions_by_owner
				WHERE ${ownSessions(owner, createdAt)} LIMIT ${max})) < ${max}
			OR EXISTS (SELECT 1 FROM ${SESSION_BY_ID} WHERE id = ${id}))`;

const sessionQuotaExceeded = (max: number): ApiError =>
	new ApiError(
		'QUOTA_EXCEEDED',
		`A caller may have ${max} live sessions (MAX_SESSIONS_PER_CALLER). Delete one of them, or wait until one expires.`,
	);

/** The sessions with an Idempotency-Key of a caller: one, unless it has lost the key. */
const ofKey = ({ userId, organizationId }: Owner, key: string): Sql =>
	sql`user_id = ${userId} AND ifnull(organization_id, '') = ifnull(${organizationId}, '') AND idempotency_key = ${key}`;

/**
 * Creates a session. This is safe to retry, because the session's id is unique. If a session that has not expired already
 * has the idempotency key, this creates nothing and returns that session. An expired session loses the key first.
 * Throws IDEMPOTENCY_KEY_REUSED when the session has it from a request with other content, and QUOTA_EXCEEDED when the caller
 * has as many live sessions in this database as it may have.
 */
export async function insertSession(
	db: Database,
	session: NewSession,
	idempotency: Idempotency | undefined,
	{ MAX_SESSIONS_PER_CALLER: max }: Pick<Settings, 'MAX_SESSIONS_PER_CALLER'>,
): Promise<SessionRow> {
	const { owner, createdAt, prd, plan, productObject, assemblyState } = session;
	const hasRoom = hasRoomFor(session, max);
	if (!idempotency) {
		// The upsert changes nothing. It makes a retried INSERT return the row of the first one.
		const [[inserted]] = await db.run<[SessionRow]>(
			[
				sql`${insertStatement(session, { key: null, fingerprint: null }, hasRoom)}
					ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING ${columnsBut(Object.values(objectColumns))}`,
				oweCreated(owner, session.id, createdAt),
			],
			{ idempotent: true },
		);
		if (!inserted) throw sessionQuotaExceeded(max);
		return { ...inserted, prd, plan, product_object: productObject, assembly_state: assemblyState };
	}
	const key = ofKey(owner, idempotency.key);
	const [, , [row]] = await db.run<[never, never, RowOfKey]>(
		[
			sql`UPDATE sessions SET idempotency_key = NULL WHERE ${key} AND expires_at <= ${createdAt}`,
			sql`${insertStatement(session, idempotency, hasRoom)} ON CONFLICT DO NOTHING`,
			selectOfKey(key),
			oweCreated(owner, session.id, createdAt),
		],
		{ idempotent: true },
	);
	if (!row) throw sessionQuotaExceeded(max);
	if (row.idempotency_fingerprint !== idempotency.fingerprint) throw idempotencyKeyReused();
	return row;
}

type RowOfKey = SessionRow & { idempotency_fingerprint: string | null };
const selectOfKey = (key: Sql): Sql =>
	sql`SELECT ${columnsBut()}, idempotency_fingerprint FROM sessions WHERE ${key}`;

/**
 * Reads the session that an earlier create with an Idempotency-Key has made, unless it has expired by `now` (ISO 8601). Throws
 * IDEMPOTENCY_KEY_REUSED when that had other content.
 */
export async function findSessionOfKey(
	db: Database,
	owner: Owner,
	{ key, fingerprint }: Idempotency,
	now: string,
): Promise<SessionRow | undefined> {
	const row = await db.first<RowOfKey>(sql`${selectOfKey(ofKey(owner, key))} AND expires_at > ${now}`);
	if (row && row.idempotency_fingerprint !== fingerprint) throw idempotencyKeyReused();
	return row;
}

/** The use of an Idempotency-Key to create a session, while several databases are bound. */
interface KeyUse {
	owner: Owner;
	key: string;
	/** The database for the session if the key is new. */
	placement: number;
	/** The numbers of the databases that are bound. */
	bound: readonly number[];
	/** ISO 8601. */
	now: string;
	/** When a session that is created now expires. ISO 8601. */
	expiresAt: string;
}

/**
 * Returns the number of the database that creates with an Idempotency-Key go to. The first create with a key notes its
 * placement in DB, so `db` is DB, and later creates get the noted database instead of their own placement. If a session in
 * DB already has the key, because it was created while no other database was bound, the note is DB. A note that has expired,
 * or whose database is no longer bound, is replaced. Idempotent.
 */
export async function databaseOfKey(db: Database, use: KeyUse): Promise<number> {
	const { owner, key, placement, bound, now, expiresAt } = use;
	const { userId, organizationId } = owner;
	const note = await db.first<{ database: number }>(
		sql`INSERT INTO create_keys (user_id, organization_id, idempotency_key, database, expires_at)
			SELECT ${userId}, ifnull(${organizationId}, ''), ${key},
				iif(EXISTS (SELECT 1 FROM sessions WHERE ${ofKey(owner, key)} AND expires_at > ${now}), 0, ${placement}),
				${expiresAt}
			WHERE true
			ON CONFLICT (user_id, organization_id, idempotency_key) DO UPDATE SET
				database = iif(${isListed(raw('database'), bound)} AND expires_at > ${now},
					database, excluded.database),
				expires_at = max(expires_at, excluded.expires_at)
			RETURNING database`,
		{ idempotent: true },
	);
	if (!note) throw new Error('The database of an Idempotency-Key was not returned.');
	return note.database;
}
