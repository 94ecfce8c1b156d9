import { newBacklog, type Run } from './backlog.ts';
import { type End, endFrame, HEARTBEAT, newerOf, OPENING } from './frames.ts';
import { newLookUps } from './look-ups.ts';
import type { LookUp, Notice, Seen } from './notices.ts';
import { MAX_PIECE, type Piece, pieceOf, piecesOf } from './pieces.ts';
import { newLiveState, newSummaries, type Snapshot } from './state-frames.ts';
import { newTrust } from './trust.ts';

/** Why a stream ended. */
export type Reason = End | 'not allowed' | 'budget' | 'time' | 'gone' | 'fault';

/** What a follower does next. `until` is in epoch milliseconds. */
export type Next =
	| { do: 'send'; piece: Piece }
	/** Read D1. `eventsAfter`: the next events after a position too. `renew`: writers continue to send events to the hub. */
	| { do: 'look up'; eventsAfter: number | undefined; renew: boolean }
	/** Read the whole session: a snapshot with this version or a later one. */
	| { do: 'read snapshot'; version: number }
	/** Check again whether the caller may read the session. */
	| { do: 'authorize' }
	/** Connect to the hub. */
	| { do: 'connect' }
	/** Wait for a notice, at most until this time. */
	| { do: 'wait'; until: number }
	| { do: 'end'; reason: Reason };

/** What the follower can do at the moment. */
export interface Means {
	/** When it may connect to the hub; undefined while it is connected. */
	connectsAt: number | undefined;
	/** Whether the invocation's limit of D1 statements allows one more round. */
	hasBudget: boolean;
}

/** What a follower knows. Times are in epoch milliseconds. */
export interface Progress {
	/**
	 * Says what to do next. A piece that it returns counts as sent. Until `found`, `foundSnapshot`, `failed` or `authorized` follows a
	 * question to D1, it asks nothing else, and says what to send meanwhile.
	 */
	next(now: number, means: Means): Next;
	/** The follower has just connected to the hub: earlier notices did not arrive, and their events are only in D1. */
	connected(): void;
	/** A notice has arrived from the hub. */
	notice(notice: Notice, now: number): void;
	/** The result of a look-up. Undefined: the session has been deleted or has expired. */
	found(lookUp: LookUp | undefined, eventsAfter: number | undefined, now: number): void;
	/** The snapshot that was read. Undefined: the session has been deleted or has expired. */
	foundSnapshot(snapshot: Snapshot | undefined, now: number): void;
	/** D1 was unavailable for a look-up. `isSpent`: this invocation has sent as many queries as it may. */
	failed(isSpent: boolean, now: number): void;
	/** Whether the caller may continue. Undefined: the check could not be made, as when D1 was unavailable. */
	authorized(isAllowed: boolean | undefined, now: number): void;
}

/** What a progress starts with. */
export interface Beginning {
	/** The session at the time of the request. */
	start: Seen;
	/** The position of the event that the client has; 0 for the start of the log. */
	position: number;
	/** Whether the client gets the whole session and each change of it, in place of `session` frames. */
	hasLiveState: boolean;
	/** The interval of comments in silence, and the maximum time between two look-ups of one session. */
	heartbeatMs: number;
}

/**
 * Decides what a follower does: which frame it sends, when it reads D1, and when it ends. It is a function of what the
 * follower has learned and of the time, without timers or calls.
 */
export function newProgress(
	{ start, position: from, hasLiveState, heartbeatMs }: Beginning,
	now: number,
	random: () => number,
): Progress {
	const backlog = newBacklog();
	let position = from;
	let { state } = start;
	const stateFrames = hasLiveState ? newLiveState() : newSummaries();
	/** Pieces that come before everything else. */
	const first: Piece[] = [pieceOf(OPENING)];
	let end: Reason | undefined;
	let isDeleted = false;
	let isSpent = false;
	/** Whether the stored events have been sent. The state is sent from then on. */
	let hasCaughtUp = false;
	let lastFrameAt = now;
	const trust = newTrust(heartbeatMs, now);
	const lookUps = newLookUps(start.followedUntil, heartbeatMs, now, random);
	/** After a failure, D1 is not read before this time. */
	let notBefore = 0;
	/** What the follower is asking D1. The stream goes on meanwhile, because D1 can be silent for a long time. */
	let asking: 'nothing' | 'access' | 'state' | 'events' | 'snapshot' = 'nothing';

	function takeSeen(seen: Seen, at: number): void {
		state = newerOf(state, seen.state);
		backlog.note(seen.tail);
		lookUps.seen(seen.followedUntil, at);
	}

	function send(piece: Piece, at: number): Next {
		lastFrameAt = at;
		return { do: 'send', piece };
	}

	/** Waits until a time, or a notice. Sends a comment first if there was silence for a heartbeat. */
	function waitUntil(time: number, at: number): Next {
		const heartbeatAt = lastFrameAt + heartbeatMs;
		if (at >= heartbeatAt) return send(pieceOf(HEARTBEAT), at);
		return { do: 'wait', until: Math.min(time, heartbeatAt) };
	}

	function takeRun(run: Run): Piece {
		position = run.last;
		lookUps.gotEvents();
		return { text: run.frames, events: run.last - run.first + 1 };
	}

	const takeStateNews = (): string | undefined =>
		hasCaughtUp ? stateFrames.take(state, position) : undefined;

	/** Adds the state after some events to their piece, so that a client gets the events and the change of a step together. */
	function withStateNews(piece: Piece): Piece {
		const news = takeStateNews();
		if (!news) return piece;
		if (piece.text.length + news.length <= MAX_PIECE) return { ...piece, text: piece.text + news };
		first.push(...piecesOf(news));
		return piece;
	}

	/** Ends the stream after the frame that tells why. */
	function endWith(reason: End): void {
		first.push(pieceOf(endFrame(reason)));
		end = reason;
	}

	const endAsGone = (at: number): void => endWith(Date.parse(state.expiresAt) <= at ? 'expired' : 'deleted');

	return {
		next(at, { connectsAt, hasBudget }) {
			const isTrusted = at < trust.endsAt();
			const piece = isTrusted ? first.shift() : undefined;
			if (piece) return send(piece, at);
			if (end && (isTrusted || end === 'not allowed')) return { do: 'end', reason: end };
			const isFree = asking === 'nothing';
			if (isFree && at >= trust.checkAt()) {
				asking = 'access';
				return { do: 'authorize' };
			}
			if (isFree && (isSpent || !hasBudget)) return { do: 'end', reason: 'budget' };
			// A caller that may have been refused since gets comments alone.
			if (!isTrusted) return waitUntil(isFree ? trust.checkAt() : Number.POSITIVE_INFINITY, at);
			if (isFree && connectsAt !== undefined && at >= connectsAt) return { do: 'connect' };

			const stateNews = takeStateNews();
			if (stateNews) {
				first.push(...piecesOf(stateNews));
				return this.next(at, { connectsAt, hasBudget });
			}
			// The events that D1 is asked for come next.
			const run = asking === 'events' ? undefined : backlog.takeAfter(position);
			if (run) return send(withStateNews(takeRun(run)), at);
			if (isDeleted && asking !== 'events') {
				endWith('deleted');
				return this.next(at, { connectsAt, hasBudget });
			}

			const { dueAt, events, renew } = lookUps.next(at, position, backlog.highest());
			const looksUpAt = Math.max(Math.min(dueAt, Date.parse(state.expiresAt)), notBefore);
			if (isFree && at >= looksUpAt) {
				asking = events ? 'events' : 'state';
				return { do: 'look up', eventsAfter: events ? position : undefined, renew };
			}
			const snapshotDueAt = hasCaughtUp ? stateFrames.snapshotDueAt(state, at) : Number.POSITIVE_INFINITY;
			const snapshotAt = Math.max(snapshotDueAt, notBefore);
			if (isFree && at >= snapshotAt) {
				asking = 'snapshot';
				return { do: 'read snapshot', version: state.version };
			}
			if (!isFree) return waitUntil(Number.POSITIVE_INFINITY, at);
			const opensAt = connectsAt ?? Number.POSITIVE_INFINITY;
			return waitUntil(Math.min(looksUpAt, snapshotAt, trust.checkAt(), opensAt), at);
		},

		connected() {
			lookUps.lackEvents();
		},

		notice(notice, at) {
			if (notice.kind === 'events') {
				if (notice.first > position) backlog.add(notice);
				else backlog.note(notice.last);
			} else if (notice.kind === 'appended') {
				backlog.note(notice.last);
				if (notice.last > position) lookUps.lackEvents();
			} else if (notice.kind === 'state') state = newerOf(state, notice.state);
			else if (notice.kind === 'change') {
				state = newerOf(state, notice.state);
				backlog.note(notice.tail);
				stateFrames.addChange({ version: notice.state.version, tail: notice.tail, frames: notice.frames });
			} else if (notice.kind === 'seen') takeSeen(notice.seen, at);
			else if (notice.kind === 'deleted') isDeleted = true;
		},

		found(lookUp, eventsAfter, at) {
			asking = 'nothing';
			if (!lookUp) return endAsGone(at);
			const { events, ...seen } = lookUp;
			takeSeen(seen, at);
			if (eventsAfter !== undefined) {
				const hasMore = events !== undefined && events.last < seen.tail;
				lookUps.readEvents(hasMore);
				hasCaughtUp ||= !hasMore;
			}
			if (events) {
				first.push(takeRun(events));
				backlog.dropThrough(position);
			}
		},

		foundSnapshot(snapshot, at) {
			asking = 'nothing';
			if (!snapshot) return endAsGone(at);
			state = newerOf(state, snapshot.state);
			backlog.note(snapshot.tail);
			if (snapshot.tail > position) lookUps.lackEvents();
			stateFrames.addSnapshot(snapshot);
		},

		failed(spent, at) {
			asking = 'nothing';
			isSpent = spent;
			notBefore = at + heartbeatMs;
		},

		authorized(isAllowed, at) {
			asking = 'nothing';
			if (isAllowed === false) {
				first.length = 0;
				end = 'not allowed';
			} else trust.checked(isAllowed === true, at);
		},
	};
}
