import { newQueryStats, type QueryStats } from '../core/database.ts';
import { errorFields, log } from '../core/log.ts';
import { databaseName } from '../core/placement.ts';
import { type Bindings, settingsOf } from '../core/settings.ts';
import { openDatabases } from '../database/databases.ts';
import { cleanUp, LEAST_STATEMENTS, type Limits } from './cleanup.ts';
import { cleanUpPlaced } from './placed/placed.ts';

/** A task starts only if this much is left of the limits: enough for one chunk of deletions and the closing statements. */
const LEAST = { statements: LEAST_STATEMENTS, seconds: 1 };
/** The time between two runs of the cron trigger in wrangler.toml. */
const RUN_EVERY_MS = 600_000;

/** A part of a run. It counts its statements in `stats`, and returns whether nothing is left to do. */
type Task = (limits: Limits, stats: QueryStats) => Promise<boolean>;

/**
 * Cleans up every database within the limits of one run. Each task gets an equal share of what is left of the limits. A task
 * that does not finish within its share runs again with what the others have not used. Each run begins with the next task,
 * so that limits that are too low for all tasks leave out different ones each time. A task that fails does not stop the
 * others: the first failure is thrown at the end. `now` is in epoch milliseconds.
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

/** Deletes the expired sessions of one database. `cleanUp` writes the log line. */
const cleaningOf =
	(env: Bindings, number: number, now: number): Task =>
	async (limits, stats) => {
		const database = databaseName(number);
		const { left } = await cleanUp(env[database] ?? env.DB, now, limits, { stats, database });
		return left === 0;
	};

/** Removes from DB what sessions of other databases no longer need, and writes a log line. */
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
