import { ApiError } from '../core/errors.ts';
import { errorFields, log } from '../core/log.ts';
import { pause } from '../core/pause.ts';
import { faultKind } from './faults.ts';

/** A statement with its bound parameters. */
export interface Statement {
	sql: string;
	parameters: readonly (string | number | null)[];
}

/** What one request cost in D1. */
export interface DatabaseTrace {
	trips: number;
	milliseconds: number;
	rowsRead: number;
	rowsWritten: number;
}

export const newTrace = (): DatabaseTrace => ({ trips: 0, milliseconds: 0, rowsRead: 0, rowsWritten: 0 });

export interface Database {
	/**
	 * Sends the statements in one trip, as one transaction, and answers the rows of each.
	 * A passing fault is tried again, at most three times in all, if `safeToRepeat`.
	 * Throws DATABASE_UNAVAILABLE when D1 is overloaded or unreachable; any other failure as it is.
	 */
	run(statements: readonly Statement[], how: { safeToRepeat: boolean }): Promise<unknown[][]>;
	/** Marks how recent the answers were; null before the first trip. */
	bookmark(): string | null;
}

const MAX_TRIES = 3;
const FIRST_DELAY_MS = 50;
const RETRY_AFTER_SECONDS = '2';
/** The form of D1's own bookmarks. Anything else would be an error in D1, so it is not passed on. */
const BOOKMARK = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/;

/**
 * Opens one D1 session. Without a bookmark its first query goes to the primary, so that it sees every
 * earlier write; with one, a replica at least that recent may answer.
 */
export function openDatabase(d1: D1Database, trace: DatabaseTrace, bookmark?: string): Database {
	let session = d1.withSession(bookmark && BOOKMARK.test(bookmark) ? bookmark : 'first-primary');

	async function attempt(statements: readonly Statement[]): Promise<unknown[][]> {
		const prepared = statements.map(({ sql, parameters }) => session.prepare(sql).bind(...parameters));
		const [only] = prepared;
		const started = Date.now();
		trace.trips += 1;
		try {
			const results =
				prepared.length === 1 && only ? [await only.all<unknown>()] : await session.batch<unknown>(prepared);
			for (const { meta } of results) {
				trace.rowsRead += meta.rows_read;
				trace.rowsWritten += meta.rows_written;
			}
			return results.map((result) => result.results);
		} finally {
			trace.milliseconds += Date.now() - started;
		}
	}

	return {
		async run(statements, { safeToRepeat }) {
			for (let tries = 1; ; tries += 1) {
				try {
					return await attempt(statements);
				} catch (cause) {
					const kind = faultKind(cause);
					if (kind === 'check' || kind === 'too big' || kind === 'bug') throw cause;
					if (kind === 'overloaded' || !safeToRepeat || tries === MAX_TRIES) {
						throw new ApiError('DATABASE_UNAVAILABLE', 'The database cannot be reached. Try again.', {
							headers: { 'Retry-After': RETRY_AFTER_SECONDS },
							cause,
						});
					}
					await pause(Math.random() * FIRST_DELAY_MS * 2 ** (tries - 1));
					// A broken session may stay broken, and a replica may be what failed: begin afresh, at the primary.
					session = d1.withSession('first-primary');
				}
			}
		},
		bookmark() {
			try {
				return session.getBookmark();
			} catch (error) {
				// It is asked for when the work is done: no answer may claim that it was not.
				log('warn', { message: 'no bookmark', ...errorFields(error) });
				return null;
			}
		},
	};
}
