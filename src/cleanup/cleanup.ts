import { newQueryStats, type QueryStats } from '../core/database.ts';
import { errorFields, log } from '../core/log.ts';
import type { Settings } from '../core/settings.ts';
import { MAX_TRIES, openDatabase } from '../database/database.ts';
import { countExpired, type Deleted, deleteExpired, optimize, STATEMENTS_PER_CHUNK } from './store.ts';

/** What a run did. */
export interface CleanupReport extends Deleted {
	/** Expired sessions that are still stored, counted up to 10,000. Null when a fault ended the run before the count. */
	left: number | null;
	/** Statements sent to D1, those of repeated tries included. */
	statements: number;
	durationMs: number;
}

export type Limits = Pick<Settings, 'CLEANUP_MAX_STATEMENTS' | 'CLEANUP_MAX_SECONDS'>;

/** The most statements that one chunk can take, with each sent as often as transient faults allow. */
const CHUNK_COST = STATEMENTS_PER_CHUNK * MAX_TRIES.write;
/** The same for the end of a run: the count of what is left, and `PRAGMA optimize`. */
const CLOSING_COST = MAX_TRIES.read + MAX_TRIES.write;
/** The limit below which a run deletes nothing. */
export const LEAST_STATEMENTS = CHUNK_COST + CLOSING_COST;

/**
 * Deletes expired sessions with their events, and expired keys for one session, chunk by chunk, oldest first, until none is left or a limit is reached.
 * The next run continues from there. `now` is in epoch milliseconds. Throws what the database throws. In both cases it
 * writes one log line with what it deleted, and with the name of the `database` if one is given.
 */
export async function cleanUp(
	d1: D1Database,
	now: number,
	limits: Limits,
	{ stats = newQueryStats(), database }: { stats?: QueryStats; database?: string } = {},
): Promise<CleanupReport> {
	const db = openDatabase(d1, stats);
	const started = Date.now();
	const time = new Date(now).toISOString();
	const deleted: Deleted = { sessions: 0, events: 0, keys: 0 };
	let left: number | null = null;

	const mayGoOn = () =>
		stats.statements + LEAST_STATEMENTS <= limits.CLEANUP_MAX_STATEMENTS &&
		Date.now() - started < limits.CLEANUP_MAX_SECONDS * 1000;
	const line = () => ({ ...(database ? { database } : {}), ...report() });
	const report = (): CleanupReport => ({
		...deleted,
		left,
		statements: stats.statements,
		durationMs: Date.now() - started,
	});

	try {
		let isEmpty = false;
		while (!isEmpty && mayGoOn()) {
			const chunk = await deleteExpired(db, time);
			deleted.sessions += chunk.sessions;
			deleted.events += chunk.events;
			deleted.keys += chunk.keys;
			isEmpty = chunk.sessions + chunk.events + chunk.keys === 0;
		}
		left = isEmpty ? 0 : await countExpired(db, time);
		if (deleted.sessions + deleted.events + deleted.keys > 0) await optimize(db);
	} catch (error) {
		log('error', { message: 'cleanup', ...line(), ...errorFields(error) });
		throw error;
	}
	log('info', { message: 'cleanup', ...line() });
	return report();
}
