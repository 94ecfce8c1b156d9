import type { Database, Statement } from '../../core/database.ts';
import type { Owner } from '../../core/principal.ts';
import type { SessionReference } from '../../core/session-reference.ts';
import { BYTES_A_TRIP, type Sized } from '../../database/in-batches.ts';
import { referenceParameters } from '../../database/live-session.ts';
import {
	type BoundedRow,
	type SizedEvent,
	selectLatestEvents,
	sizedEvents,
} from '../../events/read/store.ts';
import { columnOf, isObjectField, type ObjectColumn, objectFieldsOf, type SessionField } from '../schema.ts';
import type { SessionRow } from '../store.ts';

/** A session of a sparse read: the columns of the fields that were asked for. Its objects are JSON text by default. */
export type SparseRow<Content = string> = Partial<Omit<SessionRow, ObjectColumn>> &
	Partial<Record<ObjectColumn, Content | null>> & { id: string };

/** The same with its size. Its objects are present only if it is whole. */
export type SizedSession<Content = string> = SparseRow<Content> &
	Sized & {
		/** The bytes of each object that was asked for, in the order of the fields. Empty if the session is whole. */
		sizes: readonly number[];
	};

/** SQL expressions: the bytes of each object among the fields. octet_length reads no content. */
const sizesOf = (fields: readonly SessionField[]): string[] =>
	objectFieldsOf(fields).map((field) => `ifnull(octet_length(${columnOf[field]}), 0)`);

/** An SQL expression: the bytes of all objects among the fields. */
const sizeOf = (fields: readonly SessionField[]): string => sizesOf(fields).join(' + ') || '0';

/**
 * The columns of a read of some fields. The objects, of up to 400,000 bytes each, are NULL unless they `fit`, an SQL
 * expression. An object that was not asked for is not read.
 */
function columnsIf(fields: readonly SessionField[], fits: string): string {
	const others = fields.filter((field) => !isObjectField(field) && field !== 'id');
	return [
		'id',
		...others.map((field) => columnOf[field]),
		...objectFieldsOf(fields).map(
			(field) => `CASE WHEN ${fits} THEN ${columnOf[field]} END AS ${columnOf[field]}`,
		),
	].join(', ');
}

/** The same with the sizes of the objects if they do not fit, for `sizedSessions`. */
const sizedColumnsIf = (fields: readonly SessionField[], fits: string): string => {
	const sizes = sizesOf(fields);
	return `${columnsIf(fields, fits)},
		${sizes.length === 0 ? 'NULL' : `CASE WHEN ${fits} THEN NULL ELSE json_array(${sizes.join(', ')}) END`} AS sizes`;
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
	/** Undefined for sessions in any status. A text that is no status matches none. */
	status: string | undefined;
	limit: number;
	/** How many to pass over, or the id after which to go on. */
	from: { offset: number } | { after: string };
}

/** The condition THIS_LIVE with numbered parameters, because a statement uses ?1 again. */
const THIS_LIVE = 'id = ?1 AND +user_id = ?2 AND organization_id IS ?3 AND expires_at > ?4';
const LIVE = 'user_id = ?1 AND organization_id IS ?2 AND expires_at > ?3';

/** An SQL condition on the caller's live sessions, in the status if there is one, with its parameters. */
function ofCaller({ owner, now, status }: ListQuery): {
	where: string;
	parameters: (string | number | null)[];
} {
	const parameters = [owner.userId, owner.organizationId, now];
	return status === undefined
		? { where: LIVE, parameters }
		: { where: `${LIVE} AND status = ?4`, parameters: [...parameters, status] };
}

const selectCount = (query: ListQuery): Statement => {
	const { where, parameters } = ofCaller(query);
	return { sql: `SELECT count(*) AS total FROM sessions WHERE ${where}`, parameters };
};

/**
 * A page of a caller's sessions, the newest first, with content as far as one round trip brings it; `readWhole` reads the
 * rest. `total` says how many there are, and is absent for a page after an id. `next` is the id to go on after, if there are
 * more. `shares` is the number of databases that are asked at once: each brings its share of BYTES_A_TRIP.
 *
 * A session comes whole if it is within its share of these bytes, whatever the others are, or if all of them together fit.
 * SQLite adds the sizes up only when a session is over its share: a page of small sessions reads each row once.
 */
export async function listSessions(
	db: Database,
	query: ListQuery,
	shares = 1,
): Promise<{ rows: SizedSession[]; total: number | undefined; next: string | undefined }> {
	const { fields, limit, from } = query;
	const { where, parameters } = ofCaller(query);
	const bound = (value: string | number) => `?${parameters.push(value)}`;
	const isAfter = 'after' in from;
	const place = isAfter ? ` AND id < ${bound(from.after)}` : '';
	// One more than asked for tells whether there are more; where all are counted, the count does.
	const most = bound(isAfter ? limit + 1 : limit);
	const offset = isAfter ? '' : ` OFFSET ${bound(from.offset)}`;
	const source = `FROM sessions WHERE ${where}${place} ORDER BY id DESC LIMIT ${most}${offset}`;
	const size = sizeOf(fields);
	const bytes = Math.floor(BYTES_A_TRIP / shares);
	const fits = `${size} <= ${bytes} / ${most} OR (SELECT bytes FROM total) <= ${bytes}`;
	const [bounded, [count] = []] = await db.run<[BoundedSession, { total: number }]>(
		[
			{
				sql: `WITH total AS MATERIALIZED (SELECT sum(size) AS bytes FROM (SELECT ${size} AS size ${source}))
					SELECT ${sizedColumnsIf(fields, fits)} ${source}`,
				parameters,
			},
			...(isAfter ? [] : [selectCount(query)]),
		],
		{ idempotent: true },
	);
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
	const { owner, now, fields, status } = query;
	const sizes = JSON.stringify(missing.map(({ id, size }) => [id, size]));
	const sql = `SELECT ${sizedColumnsIf(fields, `${sizeOf(fields)} <= known_size`)}, version
		FROM (SELECT value ->> 0 AS known_id, value ->> 1 AS known_size FROM json_each(?4))
		CROSS JOIN sessions ON sessions.id = known_id
		WHERE ${LIVE}${status === undefined ? '' : ' AND status = ?5'}`;
	const parameters = [owner.userId, owner.organizationId, now, sizes];
	const [found] = await db.run<[BoundedSession]>(
		[{ sql, parameters: status === undefined ? parameters : [...parameters, status] }],
		{ idempotent: true },
	);
	return sizedSessions(found);
}

/** How many sessions of a caller there are. */
export async function countSessions(db: Database, query: ListQuery): Promise<number> {
	const [[count]] = await db.run<[{ total: number }]>([selectCount(query)], { idempotent: true });
	return count?.total ?? 0;
}

/**
 * Ids of a caller's sessions, the newest first: those after an id, without the first `offset` of them. `total` says how many
 * sessions there are, if they are to be `counted`.
 */
export async function readIds(
	db: Database,
	query: ListQuery,
	{ after, offset, limit, counted }: { after: string; offset: number; limit: number; counted: boolean },
): Promise<{ ids: string[]; total: number }> {
	const { where, parameters } = ofCaller(query);
	const [first, second, third] = [1, 2, 3].map((n) => `?${parameters.length + n}`);
	const sql = `SELECT id FROM sessions WHERE ${where} AND id < ${first} ORDER BY id DESC LIMIT ${second} OFFSET ${third}`;
	const [rows, [count] = []] = await db.run<[{ id: string }, { total: number }]>(
		[{ sql, parameters: [...parameters, after, limit, offset] }, ...(counted ? [selectCount(query)] : [])],
		{ idempotent: true },
	);
	return { ids: rows.map(({ id }) => id), total: count?.total ?? 0 };
}

/** What to read of one session. */
export interface DetailsQuery {
	fields: readonly SessionField[];
	/** The most events to read with it, the latest ones; undefined reads none. */
	maxEvents: number | undefined;
	/** The opaque tags that the caller has, each `version` or `version.position`, or any. Undefined: it has none. */
	knownTags: readonly string[] | 'any' | undefined;
}

/** A session as it was read, with its latest events, the oldest of them first. */
export interface Details {
	session: SparseRow & { version: number };
	events: SizedEvent[];
	latestEvent: number;
	/** Whether the caller has it already. Its objects and events were not read then. */
	isKnown: boolean;
}

/** The position of a session's latest event, NULL without one. ?1 is the session's id. */
const LATEST = '(SELECT max(number) AS latest_event FROM events WHERE session_id = ?1)';

/**
 * Reads one session, or undefined, with its latest events, the oldest of them first. The events have content as far as one
 * round trip brings it; `wholeEvents` reads the rest.
 */
export async function readDetails(
	db: Database,
	reference: SessionReference,
	query: DetailsQuery,
): Promise<Details | undefined> {
	const { fields, maxEvents } = query;
	const statement =
		query.knownTags === undefined ? selectDetails(reference, fields) : unlessKnown(reference, query);
	const unless =
		query.knownTags === undefined
			? undefined
			: { condition: isKnown(6, LATEST), parameter: listOf(query.knownTags) };
	type Row = SparseRow & { version: number; known?: number; latest_event?: number | null };
	const [[session], latestEvents = []] = await db.run<[Row, BoundedRow]>(
		[statement, ...(maxEvents === undefined ? [] : [selectLatestEvents(reference, maxEvents, unless)])],
		{ idempotent: true },
	);
	if (!session) return undefined;
	const events = sizedEvents(latestEvents).reverse();
	const latestEvent = session.latest_event ?? events.at(-1)?.position ?? 0;
	return { session, events, latestEvent, isKnown: session.known === 1 };
}

const selectDetails = (reference: SessionReference, fields: readonly SessionField[]): Statement => ({
	sql: `SELECT ${columnsIf(fields, 'true')}, version FROM sessions WHERE ${THIS_LIVE}`,
	parameters: referenceParameters(reference),
});

const listOf = (tags: readonly string[] | 'any'): string => (tags === 'any' ? tags : `,${tags.join(',')},`);

/** An SQL condition: a list of tags, the parameter ?n, names the session as it is. `position` is NULL where tags have none. */
const isKnown = (n: number, position: string): string =>
	`(?${n} = 'any' OR instr(?${n}, ',' || version || ifnull('.' || ${position}, '') || ',') > 0)`;

/** Selects a session without its objects if the caller has it already. */
function unlessKnown(
	reference: SessionReference,
	{ fields, maxEvents, knownTags = [] }: DetailsQuery,
): Statement {
	const known = isKnown(5, maxEvents === undefined ? 'NULL' : 'latest_event');
	return {
		sql: `SELECT ${columnsIf(fields, `NOT ${known}`)}, version, ${known} AS known, latest_event
			FROM sessions CROSS JOIN ${maxEvents === undefined ? '(SELECT NULL AS latest_event)' : LATEST}
			WHERE ${THIS_LIVE}`,
		parameters: [...referenceParameters(reference), listOf(knownTags)],
	};
}
