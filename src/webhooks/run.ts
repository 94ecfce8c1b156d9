import { newQueryStats, type Owed } from '../core/database.ts';
import { errorFields, log } from '../core/log.ts';
import { pause } from '../core/pause.ts';
import { type Bindings, settingsOf } from '../core/settings.ts';
import { openDatabases } from '../database/databases.ts';
import { deliver } from './delivery.ts';
import { copyTheRest, disableEverywhere } from './endpoints.ts';
import {
	type Busy,
	busyEndpoints,
	deleteMessages,
	deleteOldFailures,
	isWaitingForMore,
} from './message-store.ts';
import { iso } from './schedule.ts';
import { type Wake, wakeAll, wakeAt } from './wake.ts';
import type { Work } from './work.ts';

/** How long messages that had their last try are kept, and those of a disabled endpoint. The tries of a message take up to four days. */
const KEPT_MS = 7 * 86_400_000;
/**
 * How many messages may wait for an endpoint, and for how long the first of them, before the endpoint is disabled. A change of the
 * endpoint gives it as much time again.
 */
const MAX_WAITING = 100_000;
const MAX_WAIT_MS = 12 * 3_600_000;
/**
 * How long a scheduled run begins new requests, and how long a batch of the queue does. What goes on after a batch has returned is
 * cancelled after 30 s, and a request takes up to 15 s.
 */
const RUN_MS = 60_000;
const BATCH_MS = 12_000;
/** How long the queue waits for a batch, because the next one may wait for it. The work goes on meanwhile. */
const BATCH_WAITS_MS = 2000;
/** How much longer a run has what it has taken: its last request waits for its turn, and then for an answer. */
const LAST_REQUEST_MS = 25_000;
/** When a wake that failed comes again: when its messages can be taken again. */
const AGAIN_SECONDS = 40;
/** Rounds of one endpoint in a batch. The next batch does not wait for them. */
const ROUNDS = 50;
/** Endpoints that are delivered to at once. The platform gives an invocation six connections. */
const ENDPOINTS_AT_ONCE = 5;
/** Endpoints that one statement lists, and messages that one deletes. */
const LISTED_AT_ONCE = 200;
const DELETED_AT_ONCE = 1000;
/** Statements that a round of an endpoint takes at most, with those that disable it. */
const STATEMENTS_A_ROUND = 10;

/**
 * Opens what an invocation works with. `from` is the earliest time that its clock shows: that of a scheduled run, which can be
 * ahead of the clock of this machine.
 */
function newWork(
	env: Bindings,
	{ from, milliseconds, maxStatements }: { from: number; milliseconds: number; maxStatements: number },
): Work {
	const { WEBHOOKS_ALLOW_LOOPBACK, WEBHOOK_MAX_TRIES } = settingsOf(env);
	const stats = newQueryStats();
	const endsAt = Date.now() + milliseconds;
	const hasTime = () => Date.now() < endsAt;
	return {
		databases: openDatabases(env, stats, () => undefined),
		allowLoopback: WEBHOOKS_ALLOW_LOOPBACK,
		clock: () => Math.max(Date.now(), from),
		triesLeft: WEBHOOK_MAX_TRIES,
		underWay: 0,
		endpoints: 0,
		takenMs: milliseconds + LAST_REQUEST_MS,
		hasTime,
		// Endpoints that are delivered to at once need room for what each of them has yet to store.
		hasRoomFor: (endpoints) =>
			hasTime() && stats.statements + endpoints * STATEMENTS_A_ROUND <= maxStatements,
	};
}

/**
 * Delivers to the endpoints that a batch of the queue names. It returns before the slow ones have answered: their messages are
 * taken, so that they are due again if this invocation ends too early.
 */
export async function deliverWoken(
	batch: MessageBatch<unknown>,
	env: Bindings,
	context: Pick<ExecutionContext, 'waitUntil'>,
): Promise<void> {
	const from = Math.max(0, ...batch.messages.map(({ body }) => (body as Wake).now ?? 0));
	const work = newWork(env, {
		from,
		milliseconds: BATCH_MS,
		maxStatements: settingsOf(env).CLEANUP_MAX_STATEMENTS,
	});
	const first = new Map(
		batch.messages.map((message) => [
			`${(message.body as Wake).database} ${(message.body as Wake).endpoint}`,
			message,
		]),
	);
	const all = Promise.all(
		Array.from(first.values(), async (message) => {
			const { database, endpoint } = message.body as Wake;
			try {
				const times = await deliver(work, { database, endpoint }, ROUNDS);
				for (const time of times) await wakeAt(env.WEBHOOK_QUEUE, { database, endpoint }, time, work.clock());
			} catch (error) {
				log('error', { message: 'webhook not delivered', webhookId: endpoint, ...errorFields(error) });
				message.retry({ delaySeconds: AGAIN_SECONDS });
			}
		}),
	);
	context.waitUntil(all);
	await Promise.race([all, pause(BATCH_WAITS_MS)]);
}

/** An endpoint with due messages, and whether it had no trouble lately. */
interface Due {
	to: Owed;
	isHealthy: boolean;
}

/**
 * The part of webhooks in the scheduled run: it copies endpoints that a database lacks, finds what is due and was not delivered,
 * and deletes what is too old. With a queue it wakes the delivery, and without one it delivers. `now` is in epoch milliseconds. A
 * database that fails does not stop the others: the first failure is thrown at the end.
 */
export async function runWebhooks(env: Bindings, now: number, maxStatements: number): Promise<void> {
	const work = newWork(env, { from: now, milliseconds: RUN_MS, maxStatements });
	const due: Due[] = [];
	const failures: unknown[] = [];
	const attempt = (part: () => Promise<void>) => part().catch((error) => failures.push(error));
	if (!work.hasRoomFor(1)) return;
	await attempt(() => copyTheRest(work.databases, () => work.hasRoomFor(1)));
	for (const database of work.databases.numbers) {
		await attempt(async () => {
			for await (const busy of allBusy(work, database)) {
				await deleteUnneeded(work, database, busy);
				if (await disableIfTooManyWait(work, database, busy)) continue;
				if (!busy.is_unwanted && busy.is_sending && busy.next_try_at <= iso(now)) {
					due.push({ to: { database, endpoint: busy.endpoint_id }, isHealthy: busy.is_healthy === 1 });
				}
			}
		});
	}
	if (env.WEBHOOK_QUEUE) {
		await wakeAll(
			env.WEBHOOK_QUEUE,
			due.map(({ to }) => to),
			now,
		);
	} else {
		await deliverInTurn(work, due);
	}
	if (failures.length > 0) throw failures[0];
}

async function* allBusy(work: Work, database: number): AsyncGenerator<Busy, void> {
	const now = work.clock();
	const keptFrom = iso(now - KEPT_MS);
	for (let after = ''; work.hasRoomFor(1); ) {
		const page = await busyEndpoints(work.databases.at(database), {
			after,
			now: iso(now),
			keptFrom,
			steadyFrom: iso(now - MAX_WAIT_MS),
			count: LISTED_AT_ONCE,
		});
		yield* page;
		if (page.length < LISTED_AT_ONCE) return;
		after = page.at(-1)?.endpoint_id ?? '';
	}
}

/** Disables an endpoint that takes its messages more slowly than they are made, so that what waits has a limit. */
async function disableIfTooManyWait(work: Work, database: number, busy: Busy): Promise<boolean> {
	const { endpoint_id: id, next_try_at: firstDue, steady_revision: revision } = busy;
	const now = work.clock();
	if (revision === null || firstDue > iso(now - MAX_WAIT_MS) || !work.hasRoomFor(1)) return false;
	if (!(await isWaitingForMore(work.databases.at(database), id, MAX_WAITING))) return false;
	const many = MAX_WAITING.toLocaleString('en');
	const reason = `More than ${many} messages wait, because the endpoint takes them more slowly than they are made.`;
	await disableEverywhere(work.databases, { id, revision }, { code: 'FAILING', reason, now: iso(now) });
	log('info', { message: 'webhook', webhookId: id, disabled: 'FAILING' });
	return true;
}

/** Deletes the messages that nobody waits for, and those that are too old. */
async function deleteUnneeded(work: Work, database: number, busy: Busy): Promise<void> {
	if (!busy.is_unwanted && !busy.has_old) return;
	const { endpoint_id: endpoint } = busy;
	const db = work.databases.at(database);
	const keptFrom = iso(work.clock() - KEPT_MS);
	for (let deleted = DELETED_AT_ONCE; deleted === DELETED_AT_ONCE && work.hasRoomFor(1); ) {
		deleted = busy.is_unwanted
			? await deleteMessages(db, endpoint, DELETED_AT_ONCE)
			: await deleteOldFailures(db, endpoint, keptFrom, DELETED_AT_ONCE);
	}
}

/**
 * Delivers to endpoints in turn, one round each, as long as there is time. Those that had trouble come last, because they may take as
 * long as they can.
 */
async function deliverInTurn(work: Work, due: readonly Due[]): Promise<void> {
	const those = (isHealthy: boolean) =>
		due.filter((each) => each.isHealthy === isHealthy).map(({ to }) => to);
	const [healthy, others] = [those(true), those(false)];
	const next = () => healthy.shift() ?? others.shift();
	async function takeTurns(): Promise<void> {
		for (let to = next(); to && work.triesLeft > 0 && work.hasRoomFor(work.endpoints + 1); to = next()) {
			try {
				const [again = Number.POSITIVE_INFINITY] = await deliver(work, to, 1);
				if (again <= work.clock()) healthy.push(to);
			} catch (error) {
				log('error', { message: 'webhook not delivered', webhookId: to.endpoint, ...errorFields(error) });
			}
		}
	}
	await Promise.all(Array.from({ length: ENDPOINTS_AT_ONCE }, takeTurns));
}
