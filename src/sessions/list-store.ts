import type { Database } from '../core/database.ts';
import type { Owner } from '../core/principal.ts';
import { join, raw, type Sql, sql } from '../core/sql.ts';
import { BYTES_A_TRIP, type Sized } from '../database/in-batches.ts';
import { ownSessions, SESSION_BY_ID } from '../database/session-store.ts';
import { columnOf, objectFieldsOf, type SessionField } from './fields.ts';
import { columnsIf, type SparseRow } from './row-store.ts';

/** A session of a list with its size. Its objects are present only if it is whole. */
export type SizedSession<Content = string> = SparseRow<Content> &
	Sized & {
		/** The bytes of each object that was asked for, in the order of the fields. Empty if the session is whole. */
		sizes: readonly number[];
	};

/** The bytes of each object among the fields. octet_length reads no content. */
const sizesOf = (fields: readonly SessionField[]): Sql[] =>
	objectFieldsOf(fields).map((field) => sql`ifnull(octet_length(${raw(columnOf[field])}), 0)`);

/** The bytes of all objects among the fields. */
const sizeOf = (fields: readonly SessionField[]): Sql => join([...sizesOf(fields), raw(0)], ' + ');

/** The columns of a read of some fields, with the sizes of the objects if they do not fit, for `sizedSessions`. */
const sizedColumnsIf = (fields: readonly SessionField[], fits: Sql): Sql => {
	const sizes = sizesOf(fields);
	return sql`${columnsIf(fields, fits)},
		${sizes.length === 0 ? raw('NULL') : sql`CASE WHEN ${fits} THEN NULL ELSE json_array(${join(sizes)}) END`} AS sizes`;
};

/** A row of `sizedColumnsIf`. */
type BoundedSession = SparseRow & { sizes: string | null };

/** Marks which sessions are whole. */
const sizedSessions = (rows: readonly BoundedSession[]): SizedSession[] =>
	rows.map((row) => {
		const sizes: number[] = row.sizes === null ? [] : JSON.parse(row.sizes);
		return { ...row, sizes, size: sizes.reduce((sum, size) => sum + size, 0), whole: row.sizes === null };
	});

/** Which of a caller's sessions to list, from where on, and what of them. */
export interface ListQuery {
	owner: Owner;
	/** ISO 8601. */
	now: string;
	fields: readonly SessionField[];
	/** Undefined: in any status. */
	status: string | undefined;
	limit: number;
	/** How many to pass over, or the id after which to go on. */
	from: { offset: number } | { after: string };
}

/** The caller's sessions that a list is about. */
const listed = ({ owner, now, status }: ListQuery): Sql =>
	status === undefined ? ownSessions(owner, now) : sql`${ownSessions(owner, now)} AND status = ${status}`;

const selectCount = (query: ListQuery): Sql =>
	sql`SELECT count(*) AS total FROM sessions WHERE ${listed(query)}`;

/**
 * A page of a caller's sessions, the newest first, with content as far as one round trip brings it; `readWhole` reads the
 * rest. `total` says how many there are, and is absent for a page after an id. `next` is the id to go on after, if there are
 * more. `databaseCount` is the number of databases that are asked at once: each brings its share of BYTES_A_TRIP.
 *
 * A session comes whole if it is within its share of these bytes, whatever the others are, or if all of them together fit.
 * SQLite adds the sizes up only when a session is over its share: a page of small sessions reads each row once.
 */
export async function listSessions(
	db: Database,
	query: ListQuery,
	databaseCount: number,
): Promise<{ rows: SizedSession[]; total: number | undefined; next: string | undefined }> {
	const { fields, limit, from } = query;
	const isAfter = 'after' in from;
	// One more than asked for tells whether there are more; where all are counted, the count does.
	const max = isAfter ? limit + 1 : limit;
	const source = sql`FROM sessions WHERE ${listed(query)} ${
		isAfter
			? sql`AND id < ${from.after} ORDER BY id DESC LIMIT ${max}`
			: sql`ORDER BY id DESC LIMIT ${max} OFFSET ${from.offset}`
	}`;
	const size = sizeOf(fields);
	const bytes = raw(Math.floor(BYTES_A_TRIP / databaseCount));
	const fits = sql`${size} <= ${bytes} / ${max} OR (SELECT bytes FROM total) <= ${bytes}`;
	const [bounded, [count] = []] = await db.run<[BoundedSession, { total: number }]>([
		sql`WITH total AS MATERIALIZED (SELECT sum(size) AS bytes FROM (SELECT ${size} AS size ${source}))
			SELECT ${sizedColumnsIf(fields, fits)} ${source}`,
		...(isAfter ? [] : [selectCount(query)]),
	]);
	const found = sizedSessions(bounded);
	const rows = found.slice(0, limit);
	const hasMore = isAfter ? found.length > limit : from.offset + rows.length < (count?.total ?? 0);
	return {
		rows,
		total: isAfter ? undefined : (count?.total ?? 0),
		next: hasMore ? rows.at(-1)?.id : undefined,
	};
}

/**
 * Reads sessions of a page whole, in any order, with their versions. It leaves out those that are gone or no longer in the
 * status that was asked for, and returns one that has outgrown its `size` without its objects.
 */
export async function readWhole(
	db: Database,
	query: ListQuery,
	missing: readonly Pick<SizedSession, 'id' | 'size'>[],
): Promise<SizedSession[]> {
	const sizes = JSON.stringify(missing.map(({ id, size }) => [id, size]));
	const found = await db.all<BoundedSession>(
		sql`SELECT ${sizedColumnsIf(query.fields, sql`${sizeOf(query.fields)} <= known_size`)}, version
			FROM (SELECT value ->> 0 AS known_id, value ->> 1 AS known_size FROM json_each(${sizes}))
			CROSS JOIN ${SESSION_BY_ID} ON sessions.id = known_id WHERE ${listed(query)}`,
	);
	return sizedSessions(found);
}

/** The ids of a caller's `max` newest sessions, and how many sessions there are. */
export async function readNewestIds(
	db: Database,
	query: ListQuery,
	max: number,
): Promise<{ ids: string[]; total: number }> {
	const [rows, [count]] = await db.run<[{ id: string }, { total: number }]>([
		sql`SELECT id FROM sessions WHERE ${listed(query)} ORDER BY id DESC LIMIT ${max}`,
		selectCount(query),
	]);
	return { ids: rows.map(({ id }) => id), total: count?.total ?? 0 };
}
