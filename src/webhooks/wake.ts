import type { Owed } from '../core/database.ts';
import { errorFields, log } from '../core/log.ts';

/** A message of the queue: an endpoint that has messages in a database. */
export interface Wake extends Owed {
	/** The time of the scheduled run that found them due, in epoch milliseconds. */
	now?: number;
}

/** The most messages that a queue takes at once: https://developers.cloudflare.com/queues/platform/limits/ */
const SENT_AT_ONCE = 100;
/** What is due later is found by the scheduled run, which comes every ten minutes. */
const LATEST_SECONDS = 660;

/** Each endpoint once. */
const distinct = (owed: readonly Owed[]): Owed[] => [
	...new Map(owed.map((each) => [`${each.database} ${each.endpoint}`, each])).values(),
];

/** Wakes the delivery to endpoints. When the queue fails, the scheduled run finds their messages. */
export async function wakeAll(queue: Queue<unknown>, owed: readonly Owed[], now?: number): Promise<void> {
	const wakes = distinct(owed).map((each): { body: Wake } => ({
		body: now === undefined ? each : { ...each, now },
	}));
	try {
		for (let at = 0; at < wakes.length; at += SENT_AT_ONCE)
			await queue.sendBatch(wakes.slice(at, at + SENT_AT_ONCE));
	} catch (error) {
		log('warn', { message: 'webhooks not woken', ...errorFields(error) });
	}
}

/** Wakes the delivery to an endpoint again at a time, in epoch milliseconds, unless the scheduled run comes before. */
export async function wakeAt(
	queue: Queue<unknown> | undefined,
	owed: Owed,
	time: number,
	now: number,
): Promise<void> {
	if (!queue) return;
	const delaySeconds = Math.max(0, Math.ceil((time - now) / 1000));
	if (delaySeconds > LATEST_SECONDS) return;
	try {
		// A scheduled run can be ahead of the clock of this machine, and what it left is due by its time.
		await queue.send(now > Date.now() ? { ...owed, now: time } : owed, { delaySeconds });
	} catch (error) {
		log('warn', { message: 'webhooks not woken', ...errorFields(error) });
	}
}
