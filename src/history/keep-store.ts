import { concat, join, raw, type Sql, sql } from '../core/sql.ts';
import { LATEST_POSITION, SESSION_BY_ID } from '../database/session-store.ts';
import { waysToMerge } from './parts.ts';
import { partsOf } from './parts-store.ts';

/** A change of a session, as its history needs it. */
export interface KeptChange {
	/** The columns that the change sets. */
	columns: readonly string[];
	/** What is kept of each object that it sets: `objectBefore`, `partsBefore`, or what `beforeMerge` in parts.ts returned. */
	objects: Readonly<Record<string, Sql>>;
}

/** What a version counts towards HISTORY_BYTES besides its objects: about the room of its row. */
export const BYTES_OF_A_ROW = 200;
/** More than any HISTORY_BYTES: what a version counts whose objects are too large to be kept. Nothing before it is kept either. */
export const NOT_KEPT = raw(1_099_511_627_776);

/** Bytes of an object that is kept whole, because finding parts would take D1 longer than it is worth. */
const SMALL_OBJECT = raw(500);

/** The bytes that the versions of a session have counted since the first change. */
const bytesCounted = (id: string): Sql =>
	sql`(SELECT bytes_before + bytes FROM versions WHERE session_id = ${id} ORDER BY version DESC LIMIT 1)`;

/** The columns of the objects in `versions`. */
const KEPT_OBJECTS = ['prd', 'plan', 'product_object', 'assembly_state'] as const;
export type KeptObject = (typeof KEPT_OBJECTS)[number];
/** The other columns in which a version can differ from the next one. */
export const KEPT_VALUES = ['status', 'expires_at', 'updated_at', 'product_object_hash'] as const;

/** The whole object in a column of a row of `sessions`, as it is before the change. */
export const objectBefore = (column: string): Sql => sql`ifnull(${raw(column)}, 'null')`;

/**
 * What differs between the object in a column of a row of `sessions` and the same object after a merge in D1. `merged` is the
 * expression of the merge. Parts take the least room, and their work is limited, so a merge into many places of a large object
 * keeps the object.
 */
export function partsBefore(column: string, patch: string, merged: (text: Sql, patch: Sql) => Sql): Sql {
	const object = raw(column);
	const size = sql`(octet_length(${object}) + ${patch.length})`;
	const ways = waysToMerge(patch);
	if (ways.length === 0) return objectBefore(column);
	const isCheap = ways.map(({ members, maxWork }) => sql`${size} * ${members} <= ${maxWork}`);
	const patches = ways.map(
		(way, at) => sql`WHEN ${isCheap[at] ?? raw('false')} THEN ${JSON.stringify(way.patches)}`,
	);
	return sql`CASE WHEN ${object} IS NULL THEN 'null' WHEN octet_length(${object}) <= ${SMALL_OBJECT} THEN ${object}
		WHEN ${join(isCheap, ' OR ')} THEN ${partsOf(object, sql`CASE ${join(patches, ' ')} END`, merged)}
		ELSE ${object} END`;
}

/**
 * The statements that keep what the session of a condition is now. They stand before the change itself, in the same transaction
 * and with the same condition, so either both take effect or neither does. The first adds one row. The second deletes the oldest
 * ones until the rest counts at most `limit` bytes. Its work is in proportion to what it deletes.
 */
export function keepVersion(
	id: string,
	condition: Sql,
	{ columns, objects }: KeptChange,
	limit: number,
): Sql[] {
	const kept = KEPT_OBJECTS.flatMap((column) => {
		const object = objects[column];
		return object ? [{ column: raw(column), object }] : [];
	});
	const size = join(
		[raw(BYTES_OF_A_ROW), ...kept.map(({ column }) => sql`octet_length(entry.${column})`)],
		' + ',
	);
	const values = join(KEPT_VALUES.map(raw));
	return [
		sql`WITH entry AS MATERIALIZED (
				SELECT id, version, ${values}, ${LATEST_POSITION} AS latest_event,
					(SELECT max(version) FROM versions WHERE session_id = sessions.id) AS last_version
					${concat(kept.map(({ column, object }) => sql`, ${object} AS ${column}`))}
				FROM ${SESSION_BY_ID} WHERE ${condition}),
			sized AS MATERIALIZED (SELECT *, ${size} AS size FROM entry)
			INSERT INTO versions (session_id, version, bytes, bytes_before, after_event, changed, next_after_event, next_changed,
				${values}${concat(kept.map(({ column }) => sql`, ${column}`))})
			SELECT entry.id, entry.version, iif(size <= ${limit}, size, ${NOT_KEPT}),
				ifnull(last.bytes_before + last.bytes, 0) + iif(last.version < entry.version - 1, ${NOT_KEPT}, 0),
				CASE entry.version - 1 WHEN 0 THEN 0 WHEN last.version THEN last.next_after_event END,
				CASE entry.version - 1 WHEN 0 THEN '' WHEN last.version THEN last.next_changed END,
				latest_event, ${columns.join(',')}, ${join(KEPT_VALUES.map((column) => sql`entry.${raw(column)}`))}
				${concat(kept.map(({ column }) => sql`, CASE WHEN size <= ${limit} THEN entry.${column} END`))}
			FROM sized AS entry
				LEFT JOIN versions AS last ON last.session_id = entry.id AND last.version = entry.last_version`,
		sql`DELETE FROM versions WHERE session_id = ${id} AND version < ifnull(
			(SELECT version FROM versions WHERE session_id = ${id} AND bytes_before >= ${bytesCounted(id)} - ${limit}
				ORDER BY version LIMIT 1),
			(SELECT max(version) FROM versions WHERE session_id = ${id}))`,
	];
}
