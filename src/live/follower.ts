import { DatabaseUnavailable } from '../core/database.ts';
import { errorFields, log } from '../core/log.ts';
import { faultKind } from '../database/faults.ts';
import { newBacklog, type Run } from './backlog.ts';
import { connectionTo } from './connection.ts';
import { type End, endFrame, HEARTBEAT, OPENING, type SessionState, stateFrame } from './frames.ts';
import type { Notice, Seen } from './notices.ts';

/** The result of a look-up in D1: the session and, if requested, the next events. */
export interface LookUp extends Seen {
	events: Run | undefined;
}

/** A session to follow, and the queries about it. */
export interface Followed {
	hubs: DurableObjectNamespace;
	/** The session at the time of the request. */
	start: Seen;
	/** The position of the event that the client has; 0 for the start of the log. */
	position: number;
	/**
	 * Queries the primary of D1 in one round trip. `eventsAfter` reads the events after a position, up to the size of a
	 * backlog. `renew` makes writers continue to send their events to the hub. Returns undefined when the session has
	 * been deleted or has expired.
	 */
	lookUp(query: { eventsAfter: number | undefined; renew: boolean }): Promise<LookUp | undefined>;
	/** Checks again whether the caller may read the session. */
	isAllowed(): Promise<boolean>;
	/** Whether the invocation's limit of D1 statements allows one more round. */
	hasBudget(): boolean;
	/** The interval of comments in silence, and the maximum time between two look-ups of one session. */
	heartbeatMs: number;
}

/** Why a stream ended. */
export type Reason = End | 'not allowed' | 'budget' | 'time' | 'gone' | 'fault';

/** How long an event may be missing before the follower reads D1. Writers reach the hub in any order. */
const GAP_MS = 300;
/**
 * The number of heartbeats between checks of the caller, and the number for which a stream continues when D1 is
 * unavailable for the check.
 */
const ASK_AGAIN_HEARTBEATS = 3;
const ALLOWED_HEARTBEATS = 4;
/** Heartbeats for which a renewal lasts. */
const FOLLOWED_HEARTBEATS = 8;

/** How far ahead a follower sets `followed_until`. It is renewed when less than half of that is left. */
export const followedMs = (heartbeatMs: number): number => FOLLOWED_HEARTBEATS * heartbeatMs;

/** A chunk of a stream, and the number of its events. */
export interface Piece {
	text: string;
	events: number;
}

const frame = (text: string): Piece => ({ text, events: 0 });
const piece = ({ first, last, frames }: Run): Piece => ({ text: frames, events: last - first + 1 });

/** The client sets the pace: the follower continues when the consumer has taken what it yielded. */
export type Follower = AsyncGenerator<Piece, Reason>;

/**
 * Follows a session: yields its frames, each event once and in order, until something ends the stream.
 *
 * Why it misses no event: a follower first makes sure that `followed_until` is in the future, then connects to the hub,
 * and then reads D1 to the end of the log. D1 puts all statements in one order. That reading includes every earlier
 * write. A later write sees `followed_until`, so its writer sends it to the hub, to which the follower is already
 * connected. If the hub loses it, the next event shows a gap, or the next look-up shows a later end of the log.
 *
 * The look-up of one follower serves all followers of the session: it sends the result to them through the hub.
 */
export async function* follow(followed: Followed, stopped: AbortSignal): Follower {
	const { hubs, heartbeatMs } = followed;
	const askAgainMs = ASK_AGAIN_HEARTBEATS * heartbeatMs;
	const allowedMs = ALLOWED_HEARTBEATS * heartbeatMs;
	const backlog = newBacklog();
	let { position } = followed;
	let { state, followedUntil } = followed.start;
	let toldVersion = 0;
	let isDeleted = false;
	/** Whether D1 has more events than the backlog. */
	let isBehind = true;
	/** Whether the stored events have been sent. The state is sent from then on. */
	let hasCaughtUp = false;
	let gapSince: number | undefined;
	let toldAt = Date.now();
	let allowedAt = toldAt;
	let askAt = allowedAt + askAgainMs;
	/** The time of the next look-up in D1. After a failure it is never before `notBefore`. */
	let lookAt = toldAt;
	let notBefore = 0;
	/** Whether D1 has reported that this invocation sent too many queries. */
	let isSpent = false;
	let wake = () => {};

	const connection = connectionTo(hubs, state.id, {
		onNotice(notice) {
			take(notice);
			wake();
		},
		onLoss: () => wake(),
	});
	stopped.addEventListener('abort', () => {
		connection.close();
		wake();
	});

	function take(notice: Notice): void {
		if (notice.kind === 'events') {
			if (notice.first > position) backlog.add(notice);
			else backlog.note(notice.last);
		} else if (notice.kind === 'state') takeState(notice.state);
		else if (notice.kind === 'seen') takeSeen(notice.seen);
		else isDeleted = true;
	}

	/** Notices arrive in any order. The state never goes back. */
	function takeState(newer: SessionState): void {
		const isLonger = newer.version === state.version && newer.expiresAt > state.expiresAt;
		if (newer.version > state.version || isLonger) state = newer;
	}

	function takeSeen(seen: Seen): void {
		takeState(seen.state);
		backlog.note(seen.tail);
		if (seen.followedUntil > followedUntil) followedUntil = seen.followedUntil;
		// The time is random: one of many followers reads D1 first, and its notice saves the others their look-ups.
		lookAt = Date.now() + heartbeatMs * (0.8 + 0.2 * Math.random());
	}

	/**
	 * Reads D1. Returns undefined when the session has been deleted or has expired, and null when D1 is unavailable.
	 */
	async function ask(eventsAfter: number | undefined): Promise<LookUp | null | undefined> {
		const left = Date.parse(followedUntil) - Date.now();
		try {
			return await followed.lookUp({ eventsAfter, renew: left < followedMs(heartbeatMs) / 2 });
		} catch (error) {
			if (!(error instanceof DatabaseUnavailable)) throw error;
			isSpent = faultKind(error) === 'query limit';
			log('warn', { message: 'look-up of a follower failed', ...errorFields(error) });
			notBefore = Date.now() + heartbeatMs;
			return null;
		}
	}

	const end = (): End => (Date.parse(state.expiresAt) <= Date.now() ? 'expired' : 'deleted');

	/** Whether the caller may continue. When D1 is unavailable, the caller stays trusted for a limited time. */
	async function isAllowed(now: number): Promise<boolean> {
		if (now < askAt) return true;
		try {
			if (!(await followed.isAllowed())) return false;
			allowedAt = now;
			askAt = now + askAgainMs;
			return true;
		} catch (error) {
			log('warn', { message: 'credentials of a follower not checked', ...errorFields(error) });
			askAt = Math.min(now + heartbeatMs, allowedAt + allowedMs);
			return now < allowedAt + allowedMs;
		}
	}

	/** Resolves when a notice arrives, the stream must end, or something is due. */
	async function pause(now: number): Promise<void> {
		const lookUps = [lookAt, Date.parse(state.expiresAt)];
		if (isBehind) lookUps.push(now);
		if (gapSince !== undefined) lookUps.push(gapSince + GAP_MS);
		const times = [toldAt + heartbeatMs, askAt, Math.max(Math.min(...lookUps), notBefore)];
		const opensAt = connection.opensAt();
		if (opensAt !== undefined) times.push(opensAt);
		const woken = new Promise<void>((resolve) => {
			wake = resolve;
		});
		const timer = setTimeout(() => wake(), Math.max(1, Math.min(...times) - now));
		await woken;
		clearTimeout(timer);
	}

	try {
		yield frame(OPENING);
		while (!stopped.aborted) {
			if (!(await isAllowed(Date.now()))) return 'not allowed';
			if (isSpent || !followed.hasBudget()) return 'budget';
			if (await connection.open(Date.now())) isBehind = true;

			const now = Date.now();
			if (hasCaughtUp && state.version > toldVersion) {
				toldVersion = state.version;
				toldAt = now;
				yield frame(stateFrame(state));
				continue;
			}
			const next = backlog.takeAfter(position);
			if (next) {
				position = next.last;
				gapSince = undefined;
				toldAt = now;
				yield piece(next);
				continue;
			}
			if (isDeleted) {
				yield frame(endFrame('deleted'));
				return 'deleted';
			}

			if (backlog.highest() <= position) gapSince = undefined;
			else gapSince ??= now;
			const lacksEvents = isBehind || (gapSince !== undefined && now >= gapSince + GAP_MS);
			const isDue = lacksEvents || now >= lookAt || now >= Date.parse(state.expiresAt);
			if (isDue && now >= notBefore) {
				const found = await ask(lacksEvents ? position : undefined);
				if (found === undefined) {
					const reason = end();
					yield frame(endFrame(reason));
					return reason;
				}
				if (!found) continue;
				const { events, ...seen } = found;
				takeSeen(seen);
				if (lacksEvents) {
					gapSince = undefined;
					isBehind = events !== undefined && events.last < seen.tail;
					hasCaughtUp ||= !isBehind;
				} else {
					connection.tell({ kind: 'seen', seen });
				}
				if (events) {
					position = events.last;
					backlog.dropThrough(position);
					toldAt = Date.now();
					yield piece(events);
				}
				continue;
			}

			if (now >= toldAt + heartbeatMs) {
				toldAt = now;
				yield frame(HEARTBEAT);
				continue;
			}
			await pause(now);
		}
		return stopped.reason as Reason;
	} finally {
		connection.close();
	}
}
