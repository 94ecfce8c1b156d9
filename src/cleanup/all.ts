import { newQueryStats, type QueryStats } from '../core/database.ts';
import { errorFields, log } from '../core/log.ts';
import { databaseName } from '../core/placement.ts';
import { type Bindings, settingsOf } from '../core/settings.ts';
import { openDatabases } from '../database/databases.ts';
import { cleanUp, type Limits } from './cleanup.ts';
import { cleanUpPlaced } from './placed/placed.ts';

/** The least of a run's limits that a task is worth starting with: one chunk of deletions, and its closing statements. */
const LEAST = { statements: 11, seconds: 1 };
/** The time between two runs, by the cron trigger in wrangler.toml. */
const RUN_EVERY_MS = 600_000;

/** A part of a run. It counts its statements, and returns whether it has come to its end. */
type Task = (limits: Limits, stats: QueryStats) => Promise<boolean>;

/**
 * Cleans up every database within the limits of one run. Each database gets an equal share of what is left of them, and those
 * that need more get what others have not used. Every run begins with another database, so that each has its turn where the
 * limits are too low for all. A database that fails does not stop the others. `now` in epoch milliseconds. Throws the first
 * failure at the end.
 */
export async function cleanUpAll(env: Bindings, now: number): Promise<void> {
	const settings = settingsOf(env);
	if (settings.DATABASES.length === 1) {
		await cleanUp(env.DB, now, settings);
		return;
	}
	const tasks = [...settings.DATABASES.map((number) => cleaningOf(env, number, now)), placedOf(env, now)];
	const first = Math.floor(now / RUN_EVERY_MS) % tasks.length;
	const queue = [...tasks.slice(first), ...tasks.slice(0, first)];
	const started = Date.now();
	const failures: unknown[] = [];
	let statements = settings.CLEANUP_MAX_STATEMENTS;
	for (let task = queue.shift(); task; task = queue.shift()) {
		const seconds = settings.CLEANUP_MAX_SECONDS - (Date.now() - started) / 1000;
		if (statements < LEAST.statements || seconds < LEAST.seconds) break;
		const waiting = queue.length + 1;
		const share = {
			CLEANUP_MAX_STATEMENTS: Math.max(LEAST.statements, Math.floor(statements / waiting)),
			CLEANUP_MAX_SECONDS: Math.max(LEAST.seconds, seconds / waiting),
		};
		const stats = newQueryStats();
		try {
			if (!(await task(share, stats))) queue.push(task);
		} catch (error) {
			failures.push(error);
		}
		statements -= stats.statements;
	}
	if (failures.length > 0) throw failures[0];
}

/** Deletes the expired sessions of one database. It writes its log line itself. */
const cleaningOf =
	(env: Bindings, number: number, now: number): Task =>
	async (limits, stats) => {
		const database = databaseName(number);
		const { left } = await cleanUp(env[database] ?? env.DB, now, limits, { stats, database });
		return left === 0;
	};

/** Removes what DB holds for sessions of other databases. */
const placedOf =
	(env: Bindings, now: number): Task =>
	async (limits, stats) => {
		const started = Date.now();
		let isComplete = true;
		const mayGoOn = (cost: number) => {
			isComplete =
				stats.statements + cost <= limits.CLEANUP_MAX_STATEMENTS &&
				Date.now() - started < limits.CLEANUP_MAX_SECONDS * 1000;
			return isComplete;
		};
		const line = { message: 'cleanup of keys' };
		try {
			const keys = await cleanUpPlaced(openDatabases(env, stats), new Date(now).toISOString(), mayGoOn);
			log('info', { ...line, keys, statements: stats.statements, durationMs: Date.now() - started });
		} catch (error) {
			log('error', { ...line, statements: stats.statements, ...errorFields(error) });
			throw error;
		}
		return isComplete;
	};
