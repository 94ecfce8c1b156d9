import { log } from '../core/log.ts';
import type { Settings } from '../core/settings.ts';
import { openDatabase } from '../database/database.ts';
import { countExpired, deleteExpired, optimize, STATEMENTS_A_CHUNK } from './store.ts';

/** What a run did. */
export interface CleanupReport {
	sessions: number;
	events: number;
	/** Expired sessions that are still stored; counted up to 10,000. */
	left: number;
	statements: number;
	durationMs: number;
}

type Budget = Pick<Settings, 'CLEANUP_MAX_STATEMENTS' | 'CLEANUP_MAX_SECONDS'>;

/** The count at the end, and `PRAGMA optimize`. */
const CLOSING_STATEMENTS = 2;

/**
 * Deletes expired sessions with their events, chunk by chunk, oldest first, until none is left or the budget is used.
 * What it leaves, the next run takes up. `now` in epoch milliseconds.
 */
export async function cleanUp(d1: D1Database, now: number, budget: Budget): Promise<CleanupReport> {
	const db = openDatabase(d1);
	const started = Date.now();
	const time = new Date(now).toISOString();
	const report: CleanupReport = { sessions: 0, events: 0, left: 0, statements: 0, durationMs: 0 };
	const hasBudget = () =>
		report.statements + STATEMENTS_A_CHUNK + CLOSING_STATEMENTS <= budget.CLEANUP_MAX_STATEMENTS &&
		Date.now() - started < budget.CLEANUP_MAX_SECONDS * 1000;

	let deleted = 1;
	while (deleted > 0 && hasBudget()) {
		const chunk = await deleteExpired(db, time);
		deleted = chunk.sessions + chunk.events;
		report.sessions += chunk.sessions;
		report.events += chunk.events;
		report.statements += STATEMENTS_A_CHUNK;
	}
	report.left = deleted === 0 ? 0 : await countExpired(db, time);
	if (report.sessions > 0) await optimize(db);
	report.statements += CLOSING_STATEMENTS;
	report.durationMs = Date.now() - started;
	log('info', { message: 'cleanup', ...report });
	return report;
}
