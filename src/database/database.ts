import {
	type Database,
	DatabaseUnavailable,
	newQueryStats,
	type Patience,
	type QueryStats,
	type RowsOf,
	type WriteOptions,
} from '../core/database.ts';
import { ApiError } from '../core/errors.ts';
import { errorFields, log } from '../core/log.ts';
import { pause } from '../core/pause.ts';
import { isAside, type Sql } from '../core/sql.ts';
import { within } from '../core/within.ts';
import { type FaultKind, faultKind, faultText, outageOf } from './faults.ts';
import { sizeOfRows, sizeOfValues, workOf } from './work.ts';

/**
 * How often idempotent statements are sent in all. D1 itself tries a read-only query up to two more times
 * (https://developers.cloudflare.com/d1/best-practices/retry-queries/), so a read is sent at most twice from here,
 * which makes six tries. D1 never repeats a write.
 */
export const MAX_TRIES = { read: 2, write: 3 } as const;
const FIRST_DELAY_MS = 50;
/**
 * How long a request waits for a trip, all its tries together. D1 can be silent for a minute and more, and a caller must get
 * a response before its own patience ends.
 */
export const TRIP_MS = 10_000;
/** A trip that takes this long, its turn included, uses up the patience of its request. Others may be many, as in a large list. */
const SLOW_TRIP_MS = TRIP_MS / 2;
/** The form of D1's own bookmarks. Anything else would be an error in D1, so it is not passed on. */
const BOOKMARK = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/;
/**
 * D1's possible messages for a bookmark that this database never issued, or issued before it was restored to an earlier
 * time. The documentation does not give the messages.
 */
const MAY_BE_THE_BOOKMARK: readonly FaultKind[] = ['bug', 'schema', 'transient', 'timed out'];

const isReadOnly = (statements: readonly Sql[]) =>
	statements.every(({ sql: text }) => /^\s*(SELECT|WITH)\b(?!.*\b(INSERT|UPDATE|DELETE)\b)/is.test(text));

/** Ends a turn, and says how many milliseconds of work the trip was; undefined if it failed. */
type EndTurn = (work: number | undefined) => void;

/** What a trip is about to send. */
export interface Sending {
	leastWork: number;
	bytes: number;
	isRead: boolean;
}

/** How to open a database. */
interface Opening {
	/** From a caller: the reads may be served by a replica that is at least as recent. */
	bookmark?: string | undefined;
	/** The name of the database, for the log. */
	name?: string | undefined;
	/** How long a trip may take. */
	tripMs?: number;
	/** What the request's slow trips leave to the next ones. Without it each trip may take `tripMs`. */
	patience?: Patience | undefined;
	/**
	 * Waits until a trip that sends some bytes, and so is some least work, may begin, and leaves it a part of some milliseconds.
	 * Returns a function that ends its turn if it has one. Throws RATE_LIMITED.
	 */
	takeTurn?: (sent: Sending, milliseconds: number) => Promise<EndTurn | undefined>;
	/** Gets the rows of each `aside`. */
	onAside?: (rows: unknown[]) => void;
}

/**
 * Opens one D1 session. Without a bookmark its first query goes to the primary and sees every earlier write. With one,
 * a replica that is at least as recent may respond. A read that fails at the bookmark, or has no result after half of the
 * time, is retried once at the primary, because a caller's bookmark must never cause a 5xx. A failure tells the `name` of
 * the database, if there is one.
 *
 * Nothing else is retried when its time is over: D1 may still run the statements later, and a database that is silent stays
 * so for longer than a caller waits.
 */
export function openDatabase(
	d1: D1Database,
	stats: QueryStats = newQueryStats(),
	{ bookmark, name, tripMs = TRIP_MS, patience, takeTurn, onAside }: Opening = {},
): Database {
	let startsAt = bookmark && BOOKMARK.test(bookmark) ? bookmark : undefined;
	let session = d1.withSession(startsAt ?? 'first-primary');

	async function send(statements: readonly Sql[], options?: WriteOptions): Promise<D1Result[]> {
		const started = Date.now();
		try {
			return await sendWithin(patience?.leftMs ?? tripMs, statements, options);
		} finally {
			const took = Date.now() - started;
			if (patience && took >= SLOW_TRIP_MS) patience.leftMs -= took;
		}
	}

	async function sendWithin(
		milliseconds: number,
		statements: readonly Sql[],
		options?: WriteOptions,
	): Promise<D1Result[]> {
		const isRead = isReadOnly(statements);
		const maxTries = isRead ? MAX_TRIES.read : options?.idempotent ? MAX_TRIES.write : 1;
		const endsAt = Date.now() + milliseconds;
		const sent = sizeOfValues(statements);
		let failedAtBookmark: { bookmark: string; fault: unknown } | undefined;
		for (let tries = 1; ; tries += 1) {
			let endTurn: EndTurn | undefined;
			let work: number | undefined;
			try {
				const leastWork = workOf({ milliseconds: 0, bytes: sent });
				const leftForTurn = endsAt - Date.now();
				if (leftForTurn > 0) endTurn = await takeTurn?.({ leastWork, bytes: sent, isRead }, leftForTurn);
				const left = endsAt - Date.now();
				if (left <= 0) throw new Error('The trip timed out before it began.');
				const isAtBookmark = isRead && startsAt !== undefined;
				const done = await sendOnce(session, statements, stats, isAtBookmark ? left / 2 : left);
				work = workOf({ milliseconds: done.inSqlite, bytes: sent + done.received });
				if (failedAtBookmark) warnOfBookmark(failedAtBookmark);
				return done.results.filter(({ results: rows }, at) => {
					const isOfAside = isAside(statements[at] as Sql);
					if (isOfAside) onAside?.(rows);
					return !isOfAside;
				});
			} catch (fault) {
				if (fault instanceof ApiError) throw fault;
				const kind = faultKind(fault);
				const from = startsAt;
				// A broken or silent session may stay so, and a replica may have failed: start again at the primary.
				session = d1.withSession('first-primary');
				startsAt = undefined;
				if (isRead && from !== undefined && MAY_BE_THE_BOOKMARK.includes(kind)) {
					failedAtBookmark = { bookmark: from, fault };
				} else if (kind !== 'transient' || tries >= maxTries) {
					const named = name === undefined ? fault : new Error(`${name} has failed.`, { cause: fault });
					throw unavailable(kind, named) ?? named;
				}
			} finally {
				endTurn?.(work);
			}
			await pause(Math.random() * FIRST_DELAY_MS * 2 ** (tries - 1));
		}
	}

	return { ...methodsOf(send), bookmark: () => bookmarkOf(session) };
}

/**
 * Sends statements in one trip, and adds what it costs to the stats. Also returns the time in SQLite, in milliseconds, and the bytes
 * that came. Throws what D1 throws, and when the time is over.
 */
async function sendOnce(
	session: D1DatabaseSession,
	statements: readonly Sql[],
	stats: QueryStats,
	milliseconds: number,
): Promise<{ results: D1Result[]; inSqlite: number; received: number }> {
	const prepared = statements.map(({ sql: text, values }) => session.prepare(text).bind(...values));
	const [only] = prepared;
	const started = Date.now();
	stats.roundTrips += 1;
	stats.statements += prepared.length;
	const trip =
		prepared.length === 1 && only ? only.all().then((result) => [result]) : session.batch(prepared);
	try {
		const results = await within(milliseconds, trip, () => new Error('The trip to D1 timed out.'));
		let received = 0;
		let inSqlite = 0;
		for (const { meta, results: rows } of results) {
			stats.rowsRead += meta.rows_read;
			stats.rowsWritten += meta.rows_written;
			received += sizeOfRows(rows);
			inSqlite += meta.duration;
		}
		stats.bytesRead += received;
		return { results, inSqlite, received };
	} finally {
		stats.milliseconds += Date.now() - started;
	}
}

/** The methods of a database, from the function that sends. */
function methodsOf(
	send: (statements: readonly Sql[], options?: WriteOptions) => Promise<D1Result[]>,
): Pick<Database, 'run' | 'all' | 'first' | 'change'> {
	async function run<Rows extends readonly unknown[]>(
		statements: readonly Sql[],
		options?: WriteOptions,
	): Promise<RowsOf<Rows>> {
		return (await send(statements, options)).map(({ results }) => results) as RowsOf<Rows>;
	}

	async function all<Row>(statement: Sql, options?: WriteOptions): Promise<Row[]> {
		const [rows] = await run<[Row]>([statement], options);
		return rows;
	}

	return {
		run,
		all,
		first: async <Row>(statement: Sql, options?: WriteOptions) => (await all<Row>(statement, options))[0],
		async change(statements, options) {
			return (await send(statements, options)).map(({ meta }) => meta.changes);
		},
	};
}

function bookmarkOf(session: D1DatabaseSession): string | null {
	try {
		return session.getBookmark();
	} catch (error) {
		// The statements have run: a missing bookmark must not fail the request.
		log('warn', { message: 'no bookmark', ...errorFields(error) });
		return null;
	}
}

/** The error that a fault becomes when the same request can succeed later, or undefined. */
function unavailable(kind: FaultKind, fault: unknown): DatabaseUnavailable | undefined {
	const outage = outageOf(kind, Date.now());
	if (!outage) return undefined;
	const { retryAfterSeconds, sentence, operatorAction } = outage;
	return new DatabaseUnavailable(sentence, {
		retryAfterSeconds,
		// The log contains an error with its causes, so put the operator's task before D1's message.
		cause: operatorAction ? new Error(operatorAction, { cause: fault }) : fault,
	});
}

function warnOfBookmark({ bookmark, fault }: { bookmark: string; fault: unknown }): void {
	log('warn', {
		message: 'read failed at its bookmark, succeeded at the primary',
		error: faultText(fault).replaceAll(bookmark, '[bookmark]'),
	});
}
