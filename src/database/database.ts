import {
	type Database,
	DatabaseUnavailable,
	newQueryStats,
	type QueryStats,
	type RowsOf,
	type Statement,
} from '../core/database.ts';
import { errorFields, log } from '../core/log.ts';
import { pause } from '../core/pause.ts';
import { faultKind } from './faults.ts';

const MAX_TRIES = 3;
const FIRST_DELAY_MS = 50;
const RETRY_AFTER_SECONDS = 2;
/** The form of D1's own bookmarks. Anything else is an error in D1, so it is not passed on. */
const BOOKMARK = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/;

/**
 * Opens one D1 session. Without a bookmark its first query goes to the primary, so that it sees every
 * earlier write; with one, a replica at least that recent may answer.
 */
export function openDatabase(
	d1: D1Database,
	stats: QueryStats = newQueryStats(),
	bookmark?: string,
): Database {
	let session = d1.withSession(bookmark && BOOKMARK.test(bookmark) ? bookmark : 'first-primary');

	async function attempt(statements: readonly Statement[]): Promise<unknown[][]> {
		const prepared = statements.map(({ sql, parameters }) => session.prepare(sql).bind(...parameters));
		const [only] = prepared;
		const started = Date.now();
		stats.roundTrips += 1;
		try {
			const results =
				prepared.length === 1 && only ? [await only.all<unknown>()] : await session.batch<unknown>(prepared);
			for (const { meta } of results) {
				stats.rowsRead += meta.rows_read;
				stats.rowsWritten += meta.rows_written;
			}
			return results.map((result) => result.results);
		} finally {
			stats.milliseconds += Date.now() - started;
		}
	}

	return {
		async run<Rows extends readonly unknown[]>(
			statements: readonly Statement[],
			{ idempotent }: { idempotent: boolean },
		) {
			for (let tries = 1; ; tries += 1) {
				try {
					return (await attempt(statements)) as RowsOf<Rows>;
				} catch (cause) {
					const kind = faultKind(cause);
					if (kind === 'check' || kind === 'too big' || kind === 'bug') throw cause;
					if (kind === 'overloaded' || !idempotent || tries === MAX_TRIES) {
						throw new DatabaseUnavailable('The database cannot be reached. Try again.', {
							retryAfterSeconds: RETRY_AFTER_SECONDS,
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
				// The work is done by now: a missing bookmark must not fail it.
				log('warn', { message: 'no bookmark', ...errorFields(error) });
				return null;
			}
		},
	};
}

/** Asks the database for an answer. Throws DatabaseUnavailable when there is none. */
export async function ping(db: Database): Promise<void> {
	await db.run([{ sql: 'SELECT 1', parameters: [] }], { idempotent: true });
}
