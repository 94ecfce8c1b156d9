import { DatabaseUnavailable } from '../core/database.ts';
import { errorFields, log } from '../core/log.ts';
import { faultKind } from '../database/faults.ts';
import { newBacklog, type Run } from './backlog.ts';
import { connectionTo } from './connection.ts';
import { type End, endFrame, HEARTBEAT, OPENING, type SessionState, stateFrame } from './frames.ts';
import type { Notice, Seen } from './notices.ts';

/** What a follower learns from D1: the session, and where it was asked for, the next events. */
export interface LookUp extends Seen {
	events: Run | undefined;
}

/** A session to follow, and the ways to ask D1 about it. */
export interface Followed {
	hubs: DurableObjectNamespace;
	/** The session as it was when the stream was asked for. */
	start: Seen;
	/** The position of the event that the client has; 0 for the start of the log. */
	position: number;
	/**
	 * Asks the primary of D1, with one trip. `eventsAfter` asks for the events after a position, as many as a follower may
	 * hold; `renew` lets writers go on handing their events to the hub. Undefined when the session has gone.
	 */
	lookUp(query: { eventsAfter: number | undefined; renew: boolean }): Promise<LookUp | undefined>;
	/** Asks again whether the caller may read the session. */
	isAllowed(): Promise<boolean>;
	/** Whether D1 would still take what one more round needs: an invocation has a limit. */
	hasBudget(): boolean;
	/** The silence after which a comment is due, and the longest time between two look-ups of one session. */
	heartbeatMs: number;
}

/** Why a stream ended. */
export type Reason = End | 'not allowed' | 'budget' | 'time' | 'gone' | 'fault';

/** How long an event may be missing before D1 is asked: writers reach the hub in any order. */
const GAP_MS = 300;
/** Heartbeats after which the caller is asked for again, and how many a caller may go on whom D1 could not be asked for. */
const ASK_AGAIN_HEARTBEATS = 3;
const ALLOWED_HEARTBEATS = 4;
/** Heartbeats for which a renewal lasts. */
const FOLLOWED_HEARTBEATS = 8;

/** How far ahead a follower sets `followed_until`. It is renewed when less than half of that is left. */
export const followedMs = (heartbeatMs: number): number => FOLLOWED_HEARTBEATS * heartbeatMs;

/** A part of a stream, and how many events it holds. */
export interface Piece {
	text: string;
	events: number;
}

const frame = (text: string): Piece => ({ text, events: 0 });
const piece = ({ first, last, frames }: Run): Piece => ({ text: frames, events: last - first + 1 });

/** A client takes the stream at its own pace: the follower goes on when what it yielded has been taken. */
export type Follower = AsyncGenerator<Piece, Reason>;

/**
 * Follows a session: yields its frames, each event once and in order, until something ends it.
 *
 * Why no event is missed: a follower first makes sure that `followed_until` lies ahead, then connects to the hub, then
 * reads D1 to its tail. D1 puts all statements in one order. A write that comes before that reading is in it. A write that
 * comes after it has seen `followed_until`, so that its writer hands it to the hub, after the connection was made. When
 * the hub loses it all the same, the next event shows a gap, or else the next look-up shows a later tail.
 *
 * One follower's look-up serves all followers of the session: it tells them through the hub what it saw.
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
	/** Whether D1 is known to have more than the backlog can give. */
	let isBehind = true;
	/** Whether the stored events have been sent once: the state is told from then on. */
	let hasCaughtUp = false;
	let gapSince: number | undefined;
	let toldAt = Date.now();
	let allowedAt = toldAt;
	let askAt = allowedAt + askAgainMs;
	/** When D1 is asked next. After a failure it is not asked before `notBefore`. */
	let lookAt = toldAt;
	let notBefore = 0;
	/** Whether D1 has said that this invocation has asked it too often. */
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

	/** Notices come in any order. The state goes forward only. */
	function takeState(newer: SessionState): void {
		const isLonger = newer.version === state.version && newer.expiresAt > state.expiresAt;
		if (newer.version > state.version || isLonger) state = newer;
	}

	function takeSeen(seen: Seen): void {
		takeState(seen.state);
		backlog.note(seen.tail);
		if (seen.followedUntil > followedUntil) followedUntil = seen.followedUntil;
		// Random, so that one of many followers asks D1 and tells the others before their own time comes.
		lookAt = Date.now() + heartbeatMs * (0.8 + 0.2 * Math.random());
	}

	/** Asks D1. Returns undefined when the session has gone, null when D1 cannot answer now. */
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

	/** Whether the caller may go on. D1 may be unreachable for a while, though not for longer than the caller is trusted. */
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

	/** Resolves when a notice comes, the stream is to end, or something is due. */
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
