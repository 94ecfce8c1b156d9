import type { Databases } from '../core/database.ts';
import { log } from '../core/log.ts';
import { pauseUntil } from '../core/pause.ts';
import { entityTag } from '../http/conditional.ts';
import { disableEverywhere } from './endpoints.ts';
import { beginRequest } from './hosts.ts';
import {
	type Hold,
	type MessageRow,
	NEVER,
	type Outstanding,
	settleMessages,
	type Target,
	takeMessages,
} from './message-store.ts';
import { nextTry, pauseAfter } from './schedule.ts';
import { EVENT_PREFIX } from './schema.ts';
import { type Sent, send } from './send.ts';

/** Messages of an endpoint that are taken in one trip. */
const TAKEN_AT_ONCE = 20;
/** Requests to an endpoint that a delivery has under way at once, once the first one was answered. */
const SENT_AT_ONCE = 4;
/** The pause of messages whose host has as many requests as it may have. */
const BUSY_MS = 5000;
/** Connections that the platform gives one invocation at a time. */
const MAX_CONNECTIONS = 6;
/** Messages in a row whose last try failed, after which the endpoint is disabled. */
const MAX_FAILED_IN_A_ROW = 20;
/**
 * How long a message waits for an endpoint to which nothing arrives, before the endpoint is disabled. The tries of a message are over
 * before, unless so many wait that an endpoint that pauses never gets their last one.
 */
const MAX_FAILING_MS = 5 * 86_400_000;
const GONE = 410;

/** What one invocation works with, and how much it may do. */
export interface Work {
	databases: Databases;
	allowLoopback: boolean;
	/** The time, in epoch milliseconds. */
	clock: () => number;
	/** Requests that are left to it. */
	triesLeft: number;
	/** Requests that it has under way. */
	underWay: number;
	/** Endpoints to which it delivers. They share its connections. */
	endpoints: number;
	/** Whether there is time for another request. */
	mayGoOn: () => boolean;
	/** How long nobody else takes what it has taken, in milliseconds: longer than it works. */
	takenMs: number;
}

const iso = (time: number): string => new Date(time).toISOString();

/** The body of a message. It has no content of the session: whoever wants that, reads it. */
export function bodyOf(message: MessageRow, owner: Pick<Target, 'user_id' | 'organization_id'>): string {
	const { type, created_at: timestamp, session_id: sessionId, status, version, event_id: eventId } = message;
	const event = eventId === null ? {} : { eventId, eventType: type.slice(EVENT_PREFIX.length) };
	const data = {
		sessionId,
		userId: owner.user_id,
		organizationId: owner.organization_id || null,
		status,
		etag: entityTag(version),
		...event,
	};
	return JSON.stringify({ type, timestamp, data });
}

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
	if (work.triesLeft <= 0 || !work.mayGoOn()) return [work.clock()];
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
		const until = iso(now + work.takenMs);
		// At least one, because other endpoints use up tries too, and an endpoint without messages would stay taken.
		const count = Math.max(1, Math.min(TAKEN_AT_ONCE, work.triesLeft));
		const { target, messages } = await takeMessages(db, to.endpoint, { now: iso(now), until, count, held });
		// Whoever made an endpoint pause has woken its delivery for the end of the pause.
		if (!target || messages.length === 0) return [];
		held = { endpointId: to.endpoint, until };
		const tried = await sendAll(work, target, messages, { isAnswering: round > 1 });
		const outcome = outcomeOf(target, messages, tried, work.clock());
		const goesOn = round < rounds && tried.waitUntil === undefined && work.triesLeft > 0 && work.mayGoOn();
		const { isHeld, isDue, nextTryAt } = await settleMessages(db, held, outcome, {
			goesOn,
			now: iso(work.clock()),
		});
		const { arrived, outstanding, disable } = outcome;
		if (disable) await disableEverywhere(work.databases, target, disable);
		log('info', {
			message: 'webhook',
			webhookId: to.endpoint,
			arrived: arrived.length,
			failed: tried.results.size - arrived.length,
			givenUp: outstanding.filter(({ nextTryAt }) => nextTryAt === NEVER).length,
			...(disable ? { disabled: disable.code } : {}),
		});
		if (disable) return [];
		// A delivery without trouble wakes nobody for the later tries of earlier ones: their wake is on its way.
		hadTrouble ||= outstanding.length > 0 || messages.some(({ tries }) => tries > 0);
		if (isHeld) continue;
		const later = hadTrouble && nextTryAt !== NEVER ? [Date.parse(nextTryAt)] : [];
		// A wake that finds the endpoint pausing ends, so what is written meanwhile needs the one at the end of the pause.
		const first = tried.pausedUntil ?? (isDue ? work.clock() : undefined);
		return first === undefined ? later : [...new Set([first, ...later.map((time) => Math.max(time, first))])];
	}
}

/** How the tries of some messages went. */
interface Tried {
	/** By the id of the message, in the order in which they ended. */
	results: Map<string, Sent>;
	/** Since when every try has failed, in epoch milliseconds. Undefined: the last one arrived. */
	failingSince: number | undefined;
	/** Whether the endpoint answered that it is gone. */
	isGone: boolean;
	/** Until when the endpoint must get nothing. */
	pausedUntil: number | undefined;
	/** Until when the messages wait that were not tried. Undefined: all were tried. */
	waitUntil: number | undefined;
}

/** The requests that one of the endpoints may have under way, so that those that hang leave the others a connection. */
const shareOf = ({ endpoints }: Work): number =>
	Math.max(1, Math.min(SENT_AT_ONCE, Math.floor(MAX_CONNECTIONS / endpoints)));

/**
 * Sends messages, the first of them alone if the endpoint has not answered this delivery yet: one that hangs holds up one request.
 * Stops when the endpoint must pause, when its host has as many requests as it may have, or when the invocation has no time or
 * request left.
 */
async function sendAll(
	work: Work,
	target: Target,
	messages: readonly MessageRow[],
	{ isAnswering }: { isAnswering: boolean },
): Promise<Tried> {
	const tried: Tried = {
		results: new Map(),
		failingSince: target.failing_since === null ? undefined : Date.parse(target.failing_since),
		isGone: false,
		pausedUntil: undefined,
		waitUntil: undefined,
	};
	const waiting = messages.values();
	async function sendOne(message: MessageRow): Promise<void> {
		// A request that waits for a connection would use up the time that its endpoint has.
		await pauseUntil(() => work.underWay < MAX_CONNECTIONS);
		if (work.triesLeft <= 0 || !work.mayGoOn()) {
			tried.waitUntil ??= work.clock();
			return;
		}
		work.triesLeft -= 1;
		work.underWay += 1;
		const end = await beginRequest(target);
		try {
			if (!end) {
				tried.waitUntil ??= work.clock() + BUSY_MS;
				return;
			}
			const sent = await send({ id: message.id, body: bodyOf(message, target) }, target, work);
			tried.results.set(message.id, sent);
			const now = work.clock();
			tried.failingSince = sent.error ? (tried.failingSince ?? now) : undefined;
			tried.isGone ||= sent.status === GONE;
			tried.pausedUntil ??= pauseAfter(sent, tried.failingSince ?? now, now);
			tried.waitUntil ??= tried.isGone ? work.clock() : tried.pausedUntil;
		} finally {
			work.underWay -= 1;
			end?.();
		}
	}
	async function sendInTurn(): Promise<void> {
		while (tried.waitUntil === undefined) {
			const { value, done } = waiting.next();
			if (done) return;
			await sendOne(value);
		}
	}
	const first = isAnswering ? undefined : waiting.next();
	if (first?.done === false) await sendOne(first.value);
	await Promise.all(Array.from({ length: shareOf(work) }, sendInTurn));
	return tried;
}

/** What is to be stored after the tries of the messages that were taken. */
function outcomeOf(target: Target, messages: readonly MessageRow[], tried: Tried, now: number) {
	const arrived: string[] = [];
	const outstanding: Outstanding[] = [];
	let failedInARow = target.failed_in_a_row;
	let last: Sent | undefined;
	const tries = new Map(messages.map((message) => [message.id, message.tries]));
	for (const [id, sent] of tried.results) {
		if (!sent.error) {
			arrived.push(id);
			failedInARow = 0;
			continue;
		}
		last = sent;
		const next = nextTry((tries.get(id) ?? 0) + 1, sent, now, Math.random());
		if (next === null) failedInARow += 1;
		const failed = { at: iso(now), status: sent.status, error: sent.error };
		outstanding.push({ id, nextTryAt: next === null ? NEVER : iso(next), failed });
	}
	const nextTryAt = iso(tried.waitUntil ?? now);
	for (const { id } of messages) if (!tried.results.has(id)) outstanding.push({ id, nextTryAt });
	const resumeAt = tried.pausedUntil === undefined ? null : iso(tried.pausedUntil);
	const failingSince = tried.failingSince === undefined ? null : iso(tried.failingSince);
	const isOverdue = messages.some(
		({ id, created_at: at }) => tried.results.get(id)?.error && now - Date.parse(at) > MAX_FAILING_MS,
	);
	const isFailing = isOverdue && now - (tried.failingSince ?? now) > MAX_FAILING_MS;
	const trouble = { isGone: tried.isGone, failedInARow, failingSince: isFailing ? failingSince : null };
	const disable = disablingOf(trouble, last, iso(now));
	return { arrived, outstanding, failedInARow, failingSince, resumeAt, disable };
}

/** Why an endpoint is disabled after a round, or undefined. `failingSince` is null unless that is long ago. */
function disablingOf(
	trouble: { isGone: boolean; failedInARow: number; failingSince: string | null },
	last: Sent | undefined,
	now: string,
) {
	const { isGone, failedInARow, failingSince } = trouble;
	if (isGone) return { code: 'GONE', reason: 'The endpoint answered 410 (Gone).', now } as const;
	if (!last) return undefined;
	const how = last.status === null ? `had no answer (${last.error})` : `was answered with ${last.status}`;
	if (failedInARow >= MAX_FAILED_IN_A_ROW) {
		const reason = `The last tries of ${failedInARow} messages in a row failed. The latest one ${how}.`;
		return { code: 'FAILING', reason, now } as const;
	}
	if (failingSince === null) return undefined;
	const reason = `Nothing has arrived since ${failingSince}. The latest message ${how}.`;
	return { code: 'FAILING', reason, now } as const;
}
