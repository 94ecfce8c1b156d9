import type { SessionReference } from '../core/session-reference.ts';
import { join, raw, type Sql, sql } from '../core/sql.ts';
import { ownSession, SESSION_BY_ID } from '../database/session-store.ts';
import { columnOf, isObjectField, type ObjectColumn, objectFieldsOf, type SessionField } from './fields.ts';
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

/** A session of a sparse read: the columns of the fields that were asked for. Its objects are JSON text by default. */
export type SparseRow<Content = string> = Partial<Omit<SessionRow, ObjectColumn>> &
	Partial<Record<ObjectColumn, Content | null>> & { id: string };

const columns = [...Object.values(columnOf), 'version', 'followed_until'] as const;

/**
 * All columns of a SessionRow without some. A write leaves out the columns that the caller has just sent, up to 400,000
 * bytes each.
 */
export const columnsBut = (left: readonly string[] = []): Sql =>
	join(columns.filter((column) => !left.includes(column)).map(raw));

/**
 * The columns of a read of some fields. The objects, of up to 400,000 bytes each, are NULL unless they `fit`. An object that
 * was not asked for is not read.
 */
export const columnsIf = (fields: readonly SessionField[], fits: Sql): Sql =>
	join([
		sql`id`,
		...fields.filter((field) => !isObjectField(field) && field !== 'id').map((field) => raw(columnOf[field])),
		...objectFieldsOf(fields).map(
			(field) => sql`CASE WHEN ${fits} THEN ${raw(columnOf[field])} END AS ${raw(columnOf[field])}`,
		),
	]);

/** Selects a session with all columns. */
export const selectSession = (reference: SessionReference): Sql =>
	sql`SELECT ${columnsBut()} FROM ${SESSION_BY_ID} WHERE ${ownSession(reference)}`;
