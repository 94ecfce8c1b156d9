import type { Database } from '../core/database.ts';
import { type Idempotency, idempotencyKeyReused } from '../core/idempotency.ts';
import type { Owner } from '../core/principal.ts';
import { type Sql, sql } from '../core/sql.ts';
import { columnsBut, type SessionRow } from './row-store.ts';

export interface NewSession {
	id: string;
	owner: Owner;
	catalogVersion: string | null;
	schemaVersion: string | null;
	prd: string | null;
	/** ISO 8601. */
	createdAt: string;
	expiresAt: string;
}

const insertStatement = (
	{ id, owner, catalogVersion, schemaVersion, prd, createdAt, expiresAt }: NewSession,
	{ key, fingerprint }: Idempotency | { key: null; fingerprint: null },
): Sql =>
	sql`INSERT INTO sessions (id, user_id, organization_id, status, catalog_version, schema_version, prd,
			created_at, updated_at, expires_at, idempotency_key, idempotency_fingerprint)
		VALUES (${id}, ${owner.userId}, ${owner.organizationId}, 'intake', ${catalogVersion}, ${schemaVersion}, ${prd},
			${createdAt}, ${createdAt}, ${expiresAt}, ${key}, ${fingerprint})`;

/** The sessions with an Idempotency-Key of a caller: one, unless it has lost the key. */
const ofKey = ({ userId, organizationId }: Owner, key: string): Sql =>
	sql`user_id = ${userId} AND ifnull(organization_id, '') = ifnull(${organizationId}, '') AND idempotency_key = ${key}`;

/**
 * Creates a session. This is safe to retry, because the session's id is unique. If a session that has not expired already
 * has the idempotency key, this creates nothing and returns that session. An expired session loses the key first.
 * Throws IDEMPOTENCY_KEY_REUSED when the session has it from a request with other content.
 */
export async function insertSession(
	db: Database,
	session: NewSession,
	idempotency: Idempotency | undefined,
): Promise<SessionRow> {
	const { owner, createdAt, prd } = session;
	if (!idempotency) {
		// The upsert changes nothing. It makes a retried INSERT return the row of the first one.
		const inserted = await db.first<SessionRow>(
			sql`${insertStatement(session, { key: null, fingerprint: null })}
				ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING ${columnsBut(['prd'])}`,
			{ idempotent: true },
		);
		if (!inserted) throw new Error('An inserted session was not returned.');
		return { ...inserted, prd };
	}
	const key = ofKey(owner, idempotency.key);
	type Row = SessionRow & { idempotency_fingerprint: string | null };
	const [, , [row]] = await db.run<[never, never, Row]>(
		[
			sql`UPDATE sessions SET idempotency_key = NULL WHERE ${key} AND expires_at <= ${createdAt}`,
			sql`${insertStatement(session, idempotency)} ON CONFLICT DO NOTHING`,
			sql`SELECT ${columnsBut()}, idempotency_fingerprint FROM sessions WHERE ${key}`,
		],
		{ idempotent: true },
	);
	if (!row) throw new Error('An inserted session was not found by its Idempotency-Key.');
	if (row.idempotency_fingerprint !== idempotency.fingerprint) throw idempotencyKeyReused();
	return row;
}

/** The use of an Idempotency-Key to create a session, while several databases are bound. */
export interface KeyUse {
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
				database = iif(instr(${`,${bound.join(',')},`}, ',' || database || ',') > 0 AND expires_at > ${now},
					database, excluded.database),
				expires_at = max(expires_at, excluded.expires_at)
			RETURNING database`,
		{ idempotent: true },
	);
	if (!note) throw new Error('The database of an Idempotency-Key was not returned.');
	return note.database;
}
