import type { Database, RowsOf } from '../core/database.ts';
import { ApiError } from '../core/errors.ts';
import { type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import { concat, join, raw, type Sql, sql } from '../core/sql.ts';
import { type KnownTags, LATEST_POSITION, namesVersion } from '../database/session-store.ts';
import { COUNTED, CURRENT_AFTER, fromOwnSession } from './current-store.ts';
import { KEPT_VALUES, type KeptObject } from './keep-store.ts';
import { isWholeObject, undo } from './parts.ts';

/** What one round trip reads of earlier versions, in bytes as `versions.bytes` counts them. */
const BYTES_AT_ONCE = 4_194_304;
/** The columns that are the same in all versions of a session. */
const SAME_VALUES = ['id', 'user_id', 'organization_id', 'created_at', 'catalog_version', 'schema_version'];

/** What to read of a version. */
export interface PastQuery {
	version: number;
	/** The columns of the objects to read. */
	objects: readonly KeptObject[];
	/** Whether the response has events. Its ETag then names the latest of them. */
	withEvents: boolean;
	/** The tags that the caller has. Undefined: it has none. */
	knownTags: KnownTags | undefined;
	/** The HISTORY_BYTES of the settings. */
	historyBytes: number;
}

type Objects = Partial<Record<KeptObject, string | null>>;

/** A session as it was, with the objects that were asked for. */
interface Past<Session> {
	session: Session & Objects & { version: number };
	/** The position of the latest event when the version began. */
	latestEvent: number;
	/** Whether the caller has it already. Its objects were not read then. */
	isKnown: boolean;
}

interface PastColumns {
	version: number;
	is_kept: 0 | 1 | null;
	is_known: 0 | 1;
	latest_event: number;
	/** What the versions up to the current one have counted, and the part of it before this version. Null for the current one. */
	counted: number | null;
	bytes_before: number | null;
}

/** The same as `findPast`. Throws SESSION_NOT_FOUND, and VERSION_NOT_FOUND when the version is not kept. */
export async function readPast<Session, Also extends readonly unknown[] = []>(
	db: Database,
	reference: SessionReference,
	query: PastQuery,
	also?: (upTo: Sql) => readonly Sql[],
): Promise<Past<Session> & { also: RowsOf<Also> }> {
	const past = await findPast<Session, Also>(db, reference, query, also);
	if (past) return past;
	throw new ApiError(
		'VERSION_NOT_FOUND',
		`Version ${query.version} of the session is not kept. The list of its versions has those that are.`,
	);
}

/**
 * Reads a version of a session, and runs the statements `also` in the same transaction. `upTo` is the position of the latest
 * event when the version began; NULL when the version is not kept, or the caller has it already. It takes one round trip, and one
 * more for each further BYTES_AT_ONCE between the version and the current one. `Session` is a row of `sessions`.
 * Returns undefined when the version is not kept. Throws SESSION_NOT_FOUND.
 */
export async function findPast<Session, Also extends readonly unknown[] = []>(
	db: Database,
	reference: SessionReference,
	query: PastQuery,
	also: (upTo: Sql) => readonly Sql[] = () => [],
): Promise<(Past<Session> & { also: RowsOf<Also> }) | undefined> {
	const { version, objects } = query;
	const past = pastOf(reference, query);
	type Row = Session & Objects & PastColumns;
	const [[row], newest, ...rows] = await db.run<[Row, Objects, ...Also]>([
		past.select,
		past.selectChanges(sql`(${past.counted}) - ${BYTES_AT_ONCE}`, sql`(${past.counted})`),
		...also(past.upTo),
	]);
	if (!row) throw sessionNotFound();
	if (row.is_kept !== 1) return undefined;
	const now: Objects = row;
	const goBack = (changes: readonly Objects[]) => {
		for (const column of objects) now[column] = earlierObject(now[column] ?? null, changes, column);
	};
	goBack(newest);
	const isKnown = row.is_known === 1;
	const begin = isKnown || row.bytes_before === null ? Number.POSITIVE_INFINITY : row.bytes_before;
	for (let to = (row.counted ?? 0) - BYTES_AT_ONCE; to > begin; to -= BYTES_AT_ONCE) {
		const [[kept], changes] = await db.run<[{ version: number }, Objects]>([
			sql`SELECT version FROM versions WHERE session_id = ${reference.id} AND version = ${version}`,
			past.selectChanges(sql`${to - BYTES_AT_ONCE}`, sql`${to}`),
		]);
		// The oldest version goes first, so if this one is still there, all later ones are.
		if (!kept) return undefined;
		goBack(changes);
	}
	return { session: row, latestEvent: row.latest_event, isKnown, also: rows as unknown as RowsOf<Also> };
}

/** What an object was before some changes, the newest of them first. */
function earlierObject(
	object: string | null,
	changes: readonly Objects[],
	column: KeptObject,
): string | null {
	let known = object;
	let parts: string[] = [];
	for (const change of changes) {
		const kept = change[column] ?? null;
		if (kept === null) continue;
		if (isWholeObject(kept)) {
			known = kept === 'null' ? null : kept;
			parts = [];
		} else parts.push(kept);
	}
	return known === null ? null : undo(known, parts);
}

/** The statements that read a version. */
function pastOf(reference: SessionReference, query: PastQuery) {
	const { version, objects, withEvents, knownTags, historyBytes } = query;
	const from = fromOwnSession(
		reference,
		sql`LEFT JOIN versions AS past ON past.session_id = sessions.id AND past.version = ${version}`,
	);
	const isCurrent = sql`sessions.version = ${version}`;
	const isKept = sql`(${isCurrent} OR ${COUNTED} - past.bytes_before <= ${historyBytes})`;
	// The events of a version whose change was made while history was off: those that it had when it ended.
	const latestEvent = sql`CASE WHEN ${isCurrent} THEN ifnull(${CURRENT_AFTER}, ${LATEST_POSITION})
		ELSE ifnull(past.after_event, past.next_after_event) END`;
	const position = withEvents ? sql`nullif(${latestEvent}, 0)` : raw('NULL');
	// As text, because D1 binds each number as a REAL.
	const isKnown = knownTags ? namesVersion(knownTags, sql`${String(version)}`, position) : raw('false');
	const isWanted = sql`${isKept} AND NOT (${isKnown})`;
	/** The first version from this one on with a whole object. What is after it has nothing to say about this version. */
	const firstWhole = (column: Sql) =>
		sql`(SELECT version FROM versions WHERE session_id = ${reference.id} AND version >= ${version}
			AND substr(${column}, 1, 1) IN ('{', 'n') ORDER BY version LIMIT 1)`;
	const columns = objects.map(raw);
	return {
		select: sql`SELECT ${join(SAME_VALUES.map((column) => sql`sessions.${raw(column)}`))},
			${join(
				KEPT_VALUES.map(raw).map(
					(column) =>
						sql`CASE WHEN ${isCurrent} THEN sessions.${column} ELSE past.${column} END AS ${column}`,
				),
			)},
			${version} AS version, ${isKept} AS is_kept, ${isKnown} AS is_known, ${latestEvent} AS latest_event,
			${COUNTED} AS counted, past.bytes_before
			${concat(
				columns.map(
					(column) =>
						sql`, CASE WHEN ${isWanted} AND ${firstWhole(column)} IS NULL THEN sessions.${column} END AS ${column}`,
				),
			)} ${from}`,
		counted: sql`SELECT ${COUNTED} ${from} AND ${isWanted}`,
		upTo: sql`(SELECT ${latestEvent} ${from} AND ${isWanted})`,
		/** Selects what the changes after the version kept of its objects, newest first, within a range of counted bytes. */
		selectChanges: (begin: Sql, end: Sql) => sql`SELECT ${join([
			sql`version`,
			...columns.map(
				(column) =>
					sql`CASE WHEN version <= ifnull(${firstWhole(column)}, version) THEN ${column} END AS ${column}`,
			),
		])} FROM versions WHERE session_id = ${reference.id} AND version >= ${version}
			AND bytes_before >= ${begin} AND bytes_before < ${end} AND (${join(
				[raw('false'), ...columns.map((column) => sql`${column} IS NOT NULL`)],
				' OR ',
			)}) ORDER BY version DESC`,
	};
}
