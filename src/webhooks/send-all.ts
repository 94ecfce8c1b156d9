import type { Database } from '../core/database.ts';
import { MAX_CONNECTIONS } from '../core/in-parallel.ts';
import { pauseUntil } from '../core/pause.ts';
import { entityTag } from '../http/conditional.ts';
import { beginRequest } from './hosts.ts';
import { isUnchanged, type MessageRow, type Target } from './message-store.ts';
import { pauseAfter } from './schedule.ts';
import { EVENT_PREFIX } from './schema.ts';
import { type Sent, send } from './send.ts';
import type { Work } from './work.ts';

/** Requests to an endpoint that a delivery has under way at once, once the first one was answered. */
const SENT_AT_ONCE = 4;
/** The pause of messages whose host has as many requests as it may have. */
const BUSY_MS = 5000;
/** How old what a delivery knows of its endpoint may be when a request begins. */
const KNOWN_FOR_MS = 1000;
const GONE = 410;

/** The body of a message. It has no content of the session: whoever wants that, reads it. */
function bodyOf(message: MessageRow, owner: Pick<Target, 'user_id' | 'organization_id'>): string {
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

/** How the tries of some messages went. */
export interface Tried {
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

/** Returns a function that says whether an endpoint is still as it was read at a time. It asks D1 at most once a second. */
function watch(work: Work, db: Database, target: Target, readAt: number): () => Promise<boolean> {
	let known = { at: readAt, isUnchanged: Promise.resolve(true) };
	return () => {
		if (Date.now() - known.at >= KNOWN_FOR_MS && work.hasRoomFor(work.endpoints)) {
			known = { at: Date.now(), isUnchanged: isUnchanged(db, target) };
		}
		return known.isUnchanged;
	};
}

/**
 * Sends messages to an endpoint that was read from `db` at a time. The first of them is sent alone if the endpoint has not answered
 * this delivery yet: one that hangs holds up one request. Stops when the endpoint was changed or must pause, when its host has as
 * many requests as it may have, or when the invocation has no time or request left.
 */
export async function sendAll(
	work: Work,
	db: Database,
	{ target, readAt }: { target: Target; readAt: number },
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
	const isStillSo = watch(work, db, target, readAt);
	async function sendOne(message: MessageRow): Promise<void> {
		// A request that waits for a connection would use up the time that its endpoint has.
		await pauseUntil(() => work.underWay < MAX_CONNECTIONS);
		if (work.triesLeft <= 0 || !work.hasTime()) {
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
			if (!(await isStillSo())) {
				tried.waitUntil ??= work.clock();
				return;
			}
			const sent = await send({ id: message.id, body: bodyOf(message, target) }, target, work);
			note(tried, message, sent, work.clock());
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

/** Notes how the try of a message went. */
function note(tried: Tried, { id }: MessageRow, sent: Sent, now: number): void {
	tried.results.set(id, sent);
	tried.failingSince = sent.error ? (tried.failingSince ?? now) : undefined;
	tried.isGone ||= sent.status === GONE;
	tried.pausedUntil ??= pauseAfter(sent, tried.failingSince ?? now, now);
	// The pause holds them back, as long as nobody ends it.
	if (tried.isGone || tried.pausedUntil !== undefined) tried.waitUntil ??= now;
}
