import { newQueryStats } from '../core/database.ts';
import { errorFields, log } from '../core/log.ts';
import type { Settings } from '../core/settings.ts';
import { MAX_TRIES, openDatabase } from '../database/database.ts';
import { countExpired, type Deleted, deleteExpired, STATEMENTS_PER_CHUNK } from './store.ts';

/** What a run did. */
interface CleanupReport extends Deleted {
	/** Expired sessions that are still stored, counted up to 10,000. Null when a fault ended the run before the count. */
	left: number | null;
	/** Statements sent to D1, those of repeated tries included. */
	statements: number;
	durationMs: number;
}

export type Limits = Pick<Settings, 'CLEANUP_MAX_STATEMENTS' | 'CLEANUP_MAX_SECONDS'>;

/**
 * The limit of statements below which a run deletes nothing: those of one chunk and of the count at the end, each sent as
 * often as transient faults allow. CLEANUP_MAX_STATEMENTS in `core/settings.ts` is never less.
 */
export const LEAST_STATEMENTS =
	STATEMENTS_PER_CHUNK.reads * MAX_TRIES.read +
	STATEMENTS_PER_CHUNK.writes * MAX_TRIES.write +
	MAX_TRIES.read;

/**
 * Deletes what has expired in one database, chunk by chunk, oldest first, until nothing is left or a limit is reached. The
 * next run continues from there. `now` is in epoch milliseconds. Throws what the database throws. In both cases it writes
 * one log line with what it deleted, and with the name of the `database` if one is given.
 */
export async function cleanUp(
	d1: D1Database,
	now: number,
	limits: Limits,
	database?: string,
): Promise<CleanupReport> {
	const stats = newQueryStats();
	const db = openDatabase(d1, stats);
	const started = Date.now();
	const time = new Date(now).toISOString();
	const deleted: Deleted = { sessions: 0, events: 0, versions: 0, keys: 0, createKeys: 0 };
	let left: number | null = null;

	const mayGoOn = () =>
		stats.statements + LEAST_STATEMENTS <= limits.CLEANUP_MAX_STATEMENTS &&
		Date.now() - started < limits.CLEANUP_MAX_SECONDS * 1000;
	const report = (): CleanupReport => ({
		...deleted,
		left,
		statements: stats.statements,
		durationMs: Date.now() - started,
	});
	const line = () => ({ message: 'cleanup', ...(database ? { database } : {}), ...report() });

	try {
		let isEmpty = false;
		while (!isEmpty && mayGoOn()) {
			const chunk = await deleteExpired(db, time);
			for (const [what, count] of Object.entries(chunk.deleted)) deleted[what as keyof Deleted] += count;
			isEmpty = chunk.isLast;
		}
		left = isEmpty ? 0 : await countExpired(db, time);
	} catch (error) {
		log('error', { ...line(), ...errorFields(error) });
		throw error;
	}
	log('info', line());
	return report();
}
