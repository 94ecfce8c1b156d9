import type { Database, RowsOf } from '../core/database.ts';
import { ApiError } from '../core/errors.ts';
import { inTurn } from '../core/isolate-turns.ts';
import type { Owner } from '../core/principal.ts';
import { type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import { concat, join, raw, type Sql, sql } from '../core/sql.ts';
import { type KnownTags, LATEST_POSITION, namesVersion } from '../database/session-store.ts';
import { COUNTED, CURRENT_AFTER, fromOwnSession } from './current-store.ts';
import { KEPT_VALUES, type KeptObject } from './keep-store.ts';
import { isWholeObject, undo } from './parts.ts';

/** What one round trip reads of earlier versions: bytes as `versions.bytes` counts them, and how many versions it looks at. */
const BYTES_AT_ONCE = raw(4_194_304);
const VERSIONS_AT_ONCE = 1000;
/** The changes of one object that the isolate undoes without a rest. Each moves the whole object some times. */
const CHANGES_AT_ONCE = 250;
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
	/** The last version that this trip looks at. Null: it looks at all, and at the current objects. */
	looked_up_to: number | null;
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
 * more for each further BYTES_AT_ONCE or VERSIONS_AT_ONCE from the version on, until it has what every object follows from.
 * `Session` is a row of `sessions`. Returns undefined when the version is not kept. Throws SESSION_NOT_FOUND.
 */
export async function findPast<Session, Also extends readonly unknown[] = []>(
	db: Database,
	reference: SessionReference,
	query: PastQuery,
	also: (upTo: Sql) => readonly Sql[] = () => [],
): Promise<(Past<Session> & { also: RowsOf<Also> }) | undefined> {
	const past = pastOf(reference, query);
	type Row = Session & Objects & PastColumns;
	const [[row], changes, ...rows] = await db.run<[Row, Objects, ...Also]>([
		past.select,
		past.selectChanges,
		...also(past.upTo),
	]);
	if (!row) throw sessionNotFound();
	if (row.is_kept !== 1) return undefined;
	const isKnown = row.is_known === 1;
	const objects = isKnown ? {} : await objectsOf(db, reference, query, { row, changes });
	return (
		objects && {
			session: { ...row, ...objects },
			latestEvent: row.latest_event,
			isKnown,
			also: rows as unknown as RowsOf<Also>,
		}
	);
}

/**
 * Returns the objects of a version, from what the first trip has read. Later trips go on from version to version: those that are made
 * meanwhile come at the end, and the oldest that are deleted meanwhile have been read. Undefined when this is overtaken by so many
 * changes that a version that is needed was deleted.
 */
async function objectsOf(
	db: Database,
	reference: SessionReference,
	query: PastQuery,
	first: { row: Objects & PastColumns; changes: readonly Objects[] },
): Promise<Objects | undefined> {
	const found: Objects = {};
	const parts = new Map<KeptObject, string[]>(query.objects.map((column) => [column, []]));
	const find = async (column: KeptObject, object: string | null) => {
		const newestFirst = parts.get(column)?.reverse() ?? [];
		parts.delete(column);
		found[column] = object && (await undoInTurns(reference.owner, object, newestFirst));
	};
	for (let { row, changes } = first; ; ) {
		for (const [column, kept] of changes.flatMap(keptOf)) {
			if (isWholeObject(kept)) await find(column, kept === 'null' ? null : kept);
			else parts.get(column)?.push(kept);
		}
		if (row.looked_up_to === null) for (const column of parts.keys()) await find(column, row[column] ?? null);
		if (parts.size === 0 || row.looked_up_to === null) return found;
		const rest = pastOf(reference, {
			...query,
			version: row.looked_up_to + 1,
			objects: [...parts.keys()],
			withEvents: false,
			knownTags: undefined,
		});
		const [[next], further] = await db.run<[Objects & PastColumns, Objects]>([
			rest.select,
			rest.selectChanges,
		]);
		if (!next) throw sessionNotFound();
		if (next.is_kept !== 1) return undefined;
		row = next;
		changes = further;
	}
}

/** The same as `undo`, a few changes at a time: thousands of changes take some 100 ms. */
async function undoInTurns(owner: Owner, object: string, changes: readonly string[]): Promise<string> {
	let earlier = object;
	for (let at = 0; at < changes.length; at += CHANGES_AT_ONCE) {
		const some = changes.slice(at, at + CHANGES_AT_ONCE);
		earlier = await inTurn(owner, 'undo', earlier.length, () => undo(earlier, some));
	}
	return earlier;
}

/** What a change kept of each object. */
const keptOf = (change: Objects): [KeptObject, string][] =>
	Object.entries(change).flatMap(([column, kept]) =>
		typeof kept === 'string' ? [[column as KeptObject, kept]] : [],
	);

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
	const inRange = sql`session_id = ${reference.id} AND version >= ${version} AND version < ${version + VERSIONS_AT_ONCE}`;
	const fits = sql`bytes_before < ${BYTES_AT_ONCE}
		+ (SELECT bytes_before FROM versions WHERE session_id = ${reference.id} AND version = ${version})`;
	// It looks up nothing: versions follow one another without a gap.
	const isAll = sql`(${isCurrent} OR sessions.version - ${version} <= ${VERSIONS_AT_ONCE}
		AND ${COUNTED} - past.bytes_before <= ${BYTES_AT_ONCE})`;
	/** The first version in the range with a whole object. What is after it has nothing to say about this version. */
	const firstWhole = (column: Sql) =>
		sql`(SELECT version FROM versions WHERE ${inRange}
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
			CASE WHEN NOT ${isAll} THEN
				(SELECT version FROM versions WHERE ${inRange} AND ${fits} ORDER BY version DESC LIMIT 1) END AS looked_up_to
			${concat(
				columns.map(
					(column) =>
						sql`, CASE WHEN ${isWanted} AND ${isAll} AND ${firstWhole(column)} IS NULL THEN sessions.${column} END AS ${column}`,
				),
			)} ${from}`,
		upTo: sql`(SELECT ${latestEvent} ${from} AND ${isWanted})`,
		/** Selects what the changes from the version on kept of its objects, the oldest first, as far as this trip looks. */
		selectChanges: sql`SELECT ${join([
			sql`version`,
			...columns.map(
				(column) =>
					sql`CASE WHEN version <= ifnull(${firstWhole(column)}, version) THEN ${column} END AS ${column}`,
			),
		])} FROM versions WHERE ${inRange} AND ${fits}
			AND EXISTS (SELECT 1 ${from} AND ${isWanted}) AND (${join(
				[raw('false'), ...columns.map((column) => sql`${column} IS NOT NULL`)],
				' OR ',
			)}) ORDER BY version`,
	};
}
