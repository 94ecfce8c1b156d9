import { log } from '../core/log.ts';
import { disableEverywhere } from './endpoints.ts';
import { type Hold, NEVER, settleMessages, takeMessages } from './message-store.ts';
import { outcomeOf } from './outcome.ts';
import { iso } from './schedule.ts';
import { sendAll } from './send-all.ts';
import type { Work } from './work.ts';

/** Messages of an endpoint that are taken in one trip. */
const TAKEN_AT_ONCE = 20;

/**
 * Sends due messages of an endpoint in some rounds, unless another delivery does. Returns when there will be more to do, in epoch
 * milliseconds: now, if more may be due, and when the next message is due, if some did not arrive at their first try. When it
 * fails, what it has taken and not settled is due again after `takenMs`, and the endpoint is free again.
 */
export async function deliver(
	work: Work,
	to: { database: number; endpoint: string },
	rounds: number,
): Promise<number[]> {
	if (work.triesLeft <= 0 || !work.hasRoomFor(work.endpoints + 1)) return [work.clock()];
	work.endpoints += 1;
	try {
		return await deliverRounds(work, to, rounds);
	} finally {
		work.endpoints -= 1;
	}
}

async function deliverRounds(
	work: Work,
	to: { database: number; endpoint: string },
	rounds: number,
): Promise<number[]> {
	const db = work.databases.at(to.database);
	let hadTrouble = false;
	let held: Hold | undefined;
	for (let round = 1; ; round += 1) {
		const now = work.clock();
		const readAt = Date.now();
		const until = iso(now + work.takenMs);
		// At least one, because other endpoints use up tries too, and an endpoint without messages would stay taken.
		const count = Math.max(1, Math.min(TAKEN_AT_ONCE, work.triesLeft));
		const { target, messages } = await takeMessages(db, to.endpoint, { now: iso(now), until, count, held });
		// Whoever made an endpoint pause has woken its delivery for the end of the pause.
		if (!target || messages.length === 0) return [];
		held = { endpointId: to.endpoint, until };
		const tried = await sendAll(work, db, { target, readAt }, messages, { isAnswering: round > 1 });
		const outcome = outcomeOf(target, messages, tried, work.clock());
		const mayGoOn = work.triesLeft > 0 && work.hasRoomFor(work.endpoints);
		const goesOn = round < rounds && tried.waitUntil === undefined && mayGoOn;
		const { isHeld, isDue, nextTryAt } = await settleMessages(db, held, outcome, {
			goesOn,
			now: iso(work.clock()),
		});
		const { arrived, outstanding, disable } = outcome;
		const isDisabled = disable !== undefined && (await disableEverywhere(work.databases, target, disable));
		log('info', {
			message: 'webhook',
			webhookId: to.endpoint,
			arrived: arrived.length,
			failed: tried.results.size - arrived.length,
			givenUp: outstanding.filter(({ nextTryAt }) => nextTryAt === NEVER).length,
			...(isDisabled ? { disabled: disable.code } : {}),
		});
		if (isDisabled) return [];
		// A delivery without trouble wakes nobody for the later tries of earlier ones: their wake is on its way.
		hadTrouble ||= outstanding.length > 0 || messages.some(({ tries }) => tries > 0);
		if (isHeld) continue;
		const later = hadTrouble && nextTryAt !== NEVER ? [Date.parse(nextTryAt)] : [];
		// A wake that finds the endpoint pausing ends, so what is written meanwhile needs the one at the end of the pause.
		const first = tried.pausedUntil ?? (isDue ? work.clock() : undefined);
		return first === undefined ? later : [...new Set([first, ...later.map((time) => Math.max(time, first))])];
	}
}
