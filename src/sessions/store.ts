import type { Condition, Database, Statement } from '../core/database.ts';
import type { Owner } from '../core/principal.ts';
import type { SessionReference } from '../core/session-reference.ts';
import { referenceParameters, THIS_LIVE } from '../database/live-session.ts';
import { LATEST_POSITION } from '../events/store.ts';
import type { Idempotency } from '../http/idempotency.ts';
import type { Session } from './schema.ts';

/** A stored session. Objects are JSON text, returned unchanged. */
export interface SessionRow {
	id: string;
	status: Session['status'];
	catalog_version: string | null;
	schema_version: string | null;
	prd: string | null;
	plan: string | null;
	product_object: string | null;
	product_object_hash: string | null;
	assembly_state: string | null;
	version: number;
	created_at: string;
	updated_at: string;
	expires_at: string;
	user_id: string;
	organization_id: string | null;
	/** The session may have followers until this time; null when it has never had any. */
	followed_until: string | null;
}

const COLUMNS = `id, status, catalog_version, schema_version, prd, plan, product_object, product_object_hash,
	assembly_state, version, created_at, updated_at, expires_at, user_id, organization_id,
	followed_until`;
/** The columns that a write does not return: the caller has just sent them, up to 400,000 bytes each. */
export const columnsBut = (sent: readonly string[]): string =>
	COLUMNS.split(/,\s*/)
		.filter((column) => !sent.includes(column))
		.join(', ');
/** A time after the expiry of every session. */
const LONG_AGO = '1970-01-01T00:00:00.000Z';

/** The condition on a live session with one of the versions (undefined: any). */
export const liveInVersion = (
	reference: SessionReference,
	versions: readonly number[] | undefined,
): Condition => {
	const live = { sql: THIS_LIVE, parameters: referenceParameters(reference) };
	if (!versions) return live;
	return {
		sql: `${live.sql} AND instr(?, ',' || version || ',') > 0`,
		// The list is one parameter, because D1 binds at most 100.
		parameters: [...live.parameters, `,${versions.join(',')},`],
	};
};

export interface NewSession {
	id: string;
	owner: Owner;
	catalogVersion: string | null;
	schemaVersion: string | null;
	prd: string | null;
	createdAt: string;
	expiresAt: string;
}

const INSERT = `INSERT INTO sessions (id, user_id, organization_id, status, catalog_version, schema_version, prd,
	created_at, updated_at, expires_at, idempotency_key, idempotency_fingerprint)
	VALUES (?1, ?2, ?3, 'intake', ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10)`;

/**
 * Creates a session. This is safe to retry, because the session's id is unique. If a live session already has the
 * idempotency key, this creates nothing and returns that session with its fingerprint. An expired session loses the key
 * first.
 */
export async function insertSession(
	db: Database,
	session: NewSession,
	idempotency: Idempotency | undefined,
): Promise<{ row: SessionRow; fingerprint: string | null }> {
	const { id, owner, catalogVersion, schemaVersion, prd, createdAt, expiresAt } = session;
	const insert = (key: string | null, fingerprint: string | null) => [
		id,
		owner.userId,
		owner.organizationId,
		catalogVersion,
		schemaVersion,
		prd,
		createdAt,
		expiresAt,
		key,
		fingerprint,
	];
	type Row = SessionRow & { idempotency_fingerprint: string | null };
	if (!idempotency) {
		// The upsert changes nothing. It makes a retried INSERT return the row of the first one.
		const sql = `${INSERT} ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING ${columnsBut(['prd'])}`;
		const [[row]] = await db.run<[Row]>([{ sql, parameters: insert(null, null) }], { idempotent: true });
		if (!row) throw new Error('An inserted session was not returned.');
		return { row: { ...row, prd }, fingerprint: null };
	}
	const ofKey = "user_id = ?1 AND ifnull(organization_id, '') = ifnull(?2, '') AND idempotency_key = ?3";
	const key = [owner.userId, owner.organizationId, idempotency.key];
	const [, , [row]] = await db.run<[never, never, Row]>(
		[
			{
				sql: `UPDATE sessions SET idempotency_key = NULL WHERE ${ofKey} AND expires_at <= ?4`,
				parameters: [...key, createdAt],
			},
			{
				sql: `${INSERT} ON CONFLICT DO NOTHING`,
				parameters: insert(idempotency.key, idempotency.fingerprint),
			},
			{ sql: `SELECT ${COLUMNS}, idempotency_fingerprint FROM sessions WHERE ${ofKey}`, parameters: key },
		],
		{ idempotent: true },
	);
	if (!row) throw new Error('An inserted session was not found by its Idempotency-Key.');
	return { row, fingerprint: row.idempotency_fingerprint };
}

/** The statement that reads a session. */
export const selectSession = (reference: SessionReference): Statement => ({
	sql: `SELECT ${COLUMNS} FROM sessions WHERE ${THIS_LIVE}`,
	parameters: referenceParameters(reference),
});

/** Reads one session, or undefined. */
export async function readSession(
	db: Database,
	reference: SessionReference,
): Promise<SessionRow | undefined> {
	const [[row]] = await db.run<[SessionRow]>([selectSession(reference)], { idempotent: true });
	return row;
}

/** The outcome of a conditional write. */
export type Outcome<T> =
	| { is: 'done'; result: T }
	| { is: 'missing' }
	| { is: 'stale'; version: number; latestEvent: number };

/**
 * The statement that distinguishes a stale version from a missing session, and returns the parts of the current ETag
 * and further columns.
 */
export const selectVersion = (
	reference: SessionReference,
	columns: readonly string[] = [],
	parametersOfColumns: Statement['parameters'] = [],
): Statement => ({
	sql: `SELECT ${['version', `${LATEST_POSITION} AS latestEvent`, ...columns].join(', ')} FROM sessions WHERE ${THIS_LIVE}`,
	parameters: [...parametersOfColumns, ...referenceParameters(reference)],
});

/** A row of selectVersion. */
export interface CurrentVersion {
	version: number;
	latestEvent: number;
}

/** Reads the current version, or undefined when there is no such session. */
export async function readVersion(
	db: Database,
	reference: SessionReference,
): Promise<CurrentVersion | undefined> {
	const [[current]] = await db.run<[CurrentVersion]>([selectVersion(reference)], { idempotent: true });
	return current;
}

export const staleOrMissing = (current: CurrentVersion | undefined): Outcome<never> =>
	current ? { is: 'stale', ...current } : { is: 'missing' };

/**
 * A session with more events than this is emptied and left to the cleanup, because every request has a bounded cost.
 */
export const DELETED_AT_ONCE = 1000;

/** The part of a deleted session that its followers need. */
type Deleted = Pick<SessionRow, 'followed_until'>;

/**
 * Deletes a session with its events. A session of more than DELETED_AT_ONCE events is emptied and expires at once; the
 * cleanup removes its rows.
 */
export async function deleteSession(
	db: Database,
	reference: SessionReference,
	versions: readonly number[] | undefined,
): Promise<Outcome<Deleted>> {
	const { sql: where, parameters } = liveInVersion(reference, versions);
	const [[deleted], [emptied], [current] = []] = await db.run<[Deleted, Deleted, CurrentVersion]>(
		[
			{
				sql: `DELETE FROM sessions WHERE ${where}
					AND ${LATEST_POSITION} <= ${DELETED_AT_ONCE}
					RETURNING followed_until`,
				parameters,
			},
			{
				sql: `UPDATE sessions SET expires_at = '${LONG_AGO}', prd = NULL, plan = NULL, product_object = NULL,
					product_object_hash = NULL, assembly_state = NULL, idempotency_key = NULL WHERE ${where}
					RETURNING followed_until`,
				parameters,
			},
			...(versions ? [selectVersion(reference)] : []),
		],
		{ idempotent: false },
	);
	const gone = deleted ?? emptied;
	return gone ? { is: 'done', result: gone } : staleOrMissing(current);
}
