import type { Database } from '../core/database.ts';
import { type SessionReference, sessionNotFound } from '../core/session-reference.ts';
import { raw, type Sql, sql } from '../core/sql.ts';
import {
	type CurrentVersion,
	type KnownTags,
	namesVersion,
	ownSession,
	SESSION_BY_ID,
	selectVersion,
} from '../database/session-store.ts';
import { type BoundedRow, type SizedEvent, selectBounded, sizedEvents } from '../events/read-store.ts';
import { readPast } from '../history/read-store.ts';
import { columnOf, objectFieldsOf, type SessionField } from './fields.ts';
import { columnsBut, columnsIf, type SessionRow, type SparseRow } from './row-store.ts';

/** Reads the current version. Throws SESSION_NOT_FOUND. */
export async function readVersion(db: Database, reference: SessionReference): Promise<CurrentVersion> {
	const current = await db.first<CurrentVersion>(selectVersion(reference));
	if (!current) throw sessionNotFound();
	return current;
}

/** A session with all columns, and the parts of its current ETag. */
type WholeSession = SessionRow & CurrentVersion;

/** Reads a whole session. Returns undefined when the caller has no such session. */
export const findSession = (db: Database, reference: SessionReference): Promise<WholeSession | undefined> =>
	db.first<WholeSession>(selectVersion(reference, [columnsBut(['version'])]));

/** Reads a whole session. Throws SESSION_NOT_FOUND. */
export async function readSession(db: Database, reference: SessionReference): Promise<WholeSession> {
	const session = await findSession(db, reference);
	if (!session) throw sessionNotFound();
	return session;
}

/** What to read of one session. */
interface DetailsQuery {
	fields: readonly SessionField[];
	/** The most events to read with it, the latest ones; undefined reads none. */
	maxEvents: number | undefined;
	/** The tags that the caller has. Undefined: it has none. */
	knownTags: KnownTags | undefined;
}

/** A session as it was read, with its latest events, the oldest of them first. */
export interface Details {
	session: SparseRow & { version: number };
	events: SizedEvent[];
	latestEvent: number;
	/** Whether the caller has it already. Its objects and events were not read then. */
	isKnown: boolean;
}

/**
 * Reads one session with its latest events, the oldest of them first. The events have content as far as one round trip
 * brings it; `wholeEvents` reads the rest. Throws SESSION_NOT_FOUND.
 */
export async function readDetails(
	db: Database,
	reference: SessionReference,
	{ fields, maxEvents, knownTags }: DetailsQuery,
): Promise<Details> {
	const latest = sql`(SELECT max(position) AS latest_event FROM events WHERE session_id = ${reference.id})`;
	const statement =
		knownTags === undefined
			? sql`SELECT ${columnsIf(fields, raw('true'))}, version FROM ${SESSION_BY_ID} WHERE ${ownSession(reference)}`
			: selectUnlessKnown(reference, fields, knownTags, maxEvents === undefined ? undefined : latest);
	const unless = knownTags === undefined ? undefined : namesVersion(knownTags, raw('version'), latest);
	type Row = SparseRow & { version: number; known?: number; latest_event?: number | null };
	const [[session], latestEvents = []] = await db.run<[Row, BoundedRow]>([
		statement,
		...(maxEvents === undefined ? [] : [selectBounded(reference, maxEvents, { upTo: 'latest' }, unless)]),
	]);
	if (!session) throw sessionNotFound();
	const events = sizedEvents(latestEvents).reverse();
	const latestEvent = session.latest_event ?? events.at(-1)?.position ?? 0;
	return { session, events, latestEvent, isKnown: session.known === 1 };
}

/**
 * Reads a session as it was at an earlier version, or at the current one, with the latest of the events that it had when that
 * version began. Throws SESSION_NOT_FOUND and VERSION_NOT_FOUND.
 */
export async function readPastDetails(
	db: Database,
	reference: SessionReference,
	{ fields, maxEvents, knownTags, version }: DetailsQuery & { version: number },
	historyBytes: number,
): Promise<Details> {
	const objects = objectFieldsOf(fields).map((field) => columnOf[field]);
	const withEvents = maxEvents !== undefined;
	const past = await readPast<SessionRow, [BoundedRow]>(
		db,
		reference,
		{ version, objects, withEvents, knownTags, historyBytes },
		(upTo) => (withEvents ? [selectBounded(reference, maxEvents, { upTo })] : []),
	);
	const events = sizedEvents(past.also[0] ?? []).reverse();
	return { ...past, events, latestEvent: withEvents ? past.latestEvent : 0 };
}

/**
 * Selects a session without its objects if the caller has it already. `latest` selects the position of its latest event,
 * which a tag contains unless the response has no events. CROSS JOIN makes SQLite read the position once.
 */
function selectUnlessKnown(
	reference: SessionReference,
	fields: readonly SessionField[],
	tags: KnownTags,
	latest: Sql = sql`(SELECT NULL AS latest_event)`,
): Sql {
	const known = namesVersion(tags, raw('version'), raw('latest_event'));
	return sql`SELECT ${columnsIf(fields, sql`NOT (${known})`)}, version, ${known} AS known, latest_event
		FROM ${SESSION_BY_ID} CROSS JOIN ${latest} WHERE ${ownSession(reference)}`;
}
