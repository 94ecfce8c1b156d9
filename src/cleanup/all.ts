import { databaseName } from '../core/placement-setting.ts';
import { type Bindings, settingsOf } from '../core/settings.ts';
import { runWebhooks } from '../webhooks/run.ts';
import { cleanUp, LEAST_STATEMENTS } from './cleanup.ts';

/** The time between two runs of the cron trigger in wrangler.toml. */
const RUN_EVERY_MS = 600_000;

/**
 * Cleans up every database, each with an equal share of the limits of one run, and leaves a fifth of them and what is not used
 * to the delivery of webhooks. Each run begins with the next database, so that limits that are too low for all of them leave out
 * different ones each time. A database that fails does not stop the others: the first failure is thrown at the end. `now` is in
 * epoch milliseconds.
 */
export async function cleanUpAll(env: Bindings, now: number): Promise<void> {
	const { DATABASES: numbers, CLEANUP_MAX_STATEMENTS, CLEANUP_MAX_SECONDS } = settingsOf(env);
	const forWebhooks = Math.min(
		Math.floor(CLEANUP_MAX_STATEMENTS / 5),
		Math.max(0, CLEANUP_MAX_STATEMENTS - LEAST_STATEMENTS),
	);
	const max = CLEANUP_MAX_STATEMENTS - forWebhooks;
	const share = {
		CLEANUP_MAX_STATEMENTS: Math.max(LEAST_STATEMENTS, Math.floor(max / numbers.length)),
		CLEANUP_MAX_SECONDS: CLEANUP_MAX_SECONDS / numbers.length,
	};
	const affordable = Math.floor(max / share.CLEANUP_MAX_STATEMENTS);
	const first = Math.floor(now / RUN_EVERY_MS) % numbers.length;
	const inTurn = [...numbers.slice(first), ...numbers.slice(0, first)].slice(0, affordable);
	const failures: unknown[] = [];
	let statements = 0;
	for (const number of inTurn) {
		const name = databaseName(number);
		try {
			const report = await cleanUp(env[name] ?? env.DB, now, share, numbers.length > 1 ? name : undefined);
			statements += report.statements;
		} catch (error) {
			statements += share.CLEANUP_MAX_STATEMENTS;
			failures.push(error);
		}
	}
	// After the deletions, because they owe messages.
	try {
		await runWebhooks(env, now, CLEANUP_MAX_STATEMENTS - statements);
	} catch (error) {
		failures.push(error);
	}
	if (failures.length > 0) throw failures[0];
}
