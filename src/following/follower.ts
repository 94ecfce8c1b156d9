import { DatabaseUnavailable } from '../core/database.ts';
import { ApiError } from '../core/errors.ts';
import { errorFields, log } from '../core/log.ts';
import { faultKind } from '../database/faults.ts';
import { connectionTo } from './hub-connection.ts';
import type { LookUp } from './notices.ts';
import type { Piece } from './pieces.ts';
import { type Beginning, newProgress, type Reason } from './progress.ts';
import { sharedSnapshot } from './shared-snapshots.ts';
import type { Snapshot } from './state-frames.ts';

/** A session to follow, and the queries about it. */
export interface Followed extends Beginning {
	hubs: DurableObjectNamespace;
	/**
	 * Queries the primary of D1 in one round trip. `eventsAfter` reads the events after a position, up to the size of a
	 * backlog. `renew` makes writers continue to send their events to the hub. Returns undefined when the session has
	 * been deleted or has expired.
	 */
	lookUp(query: { eventsAfter: number | undefined; renew: boolean }): Promise<LookUp | undefined>;
	/** Reads the whole session from the primary of D1. Returns undefined when it has been deleted or has expired. */
	readSnapshot(): Promise<Snapshot | undefined>;
	/** Checks again whether the caller may read the session. */
	isAllowed(): Promise<boolean>;
	/** Whether the invocation's limit of D1 statements allows one more round. */
	hasBudget(): boolean;
}

/** The client sets the pace: the follower continues when the consumer has taken what it yielded. */
export interface Follower {
	pieces: AsyncGenerator<Piece, Reason>;
	/** Ends the stream, and leaves the hub at once. The generator may be waiting. */
	stop(reason: Reason): void;
}

/**
 * Follows a session: yields its frames, each event once and in order, until something ends the stream. `newProgress` decides
 * what to do, and this carries it out.
 *
 * Why it misses no event: a follower first makes sure that `followed_until` is in the future, then connects to the hub,
 * and then reads D1 to the end of the log. D1 puts all statements in one order. That reading includes every earlier
 * write. A later write sees `followed_until`, so its writer sends it to the hub, to which the follower is already
 * connected. If the hub loses it, the next event shows a gap, or the next look-up shows a later end of the log.
 *
 * The look-up of one follower serves all followers of the session: it sends the result to them through the hub.
 */
export function follow(followed: Followed): Follower {
	const progress = newProgress(followed, Date.now(), Math.random);
	let wake = () => {};
	const connection = connectionTo(followed.hubs, followed.start.state.id, {
		onNotice(notice) {
			progress.notice(notice, Date.now());
			wake();
		},
		onLoss: () => wake(),
	});
	let stopped: Reason | undefined;

	function stop(reason: Reason): void {
		stopped = reason;
		connection.close();
		wake();
	}

	/** Runs a query. The stream goes on without D1, and while its caller has too many queries at once. */
	async function tryQuery(query: () => Promise<void>): Promise<void> {
		try {
			await query();
		} catch (error) {
			if (!(error instanceof DatabaseUnavailable || error instanceof ApiError)) throw error;
			log('warn', { message: 'look-up of a follower failed', ...errorFields(error) });
			progress.failed(faultKind(error) === 'query limit', Date.now());
		}
	}

	/** Reads D1, and tells the other followers what it found. */
	async function lookUp(query: Parameters<Followed['lookUp']>[0]): Promise<void> {
		const found = await followed.lookUp(query);
		progress.found(found, query.eventsAfter, Date.now());
		if (!found || query.eventsAfter !== undefined) return;
		const { events: _, ...seen } = found;
		connection.tell({ kind: 'seen', seen });
	}

	async function readSnapshot(version: number): Promise<void> {
		const read = () => followed.readSnapshot();
		progress.foundSnapshot(await sharedSnapshot(followed.start.state.id, version, read), Date.now());
	}

	async function authorize(): Promise<void> {
		let isAllowed: boolean | undefined;
		try {
			isAllowed = await followed.isAllowed();
		} catch (error) {
			log('warn', { message: 'credentials of a follower not checked', ...errorFields(error) });
		}
		progress.authorized(isAllowed, Date.now());
	}

	/** Asks D1 while the stream goes on. A failure that is no outage ends the stream. */
	let bug: { error: unknown } | undefined;
	function ask(question: Promise<void>): void {
		question
			.catch((error) => {
				bug = { error };
			})
			.finally(() => wake());
	}

	/** Resolves when a notice or the result of a question arrives, the stream must end, or the time has come. */
	async function waitUntil(time: number): Promise<void> {
		const woken = new Promise<void>((resolve) => {
			wake = resolve;
		});
		const timer = setTimeout(() => wake(), Math.max(1, time - Date.now()));
		await woken;
		clearTimeout(timer);
	}

	async function* pieces(): AsyncGenerator<Piece, Reason> {
		try {
			while (!stopped) {
				if (bug) throw bug.error;
				const means = { connectsAt: connection.opensAt(), hasBudget: followed.hasBudget() };
				const next = progress.next(Date.now(), means);
				if (next.do === 'end') return next.reason;
				if (next.do === 'send') yield next.piece;
				else if (next.do === 'look up') ask(tryQuery(() => lookUp(next)));
				else if (next.do === 'read snapshot') ask(tryQuery(() => readSnapshot(next.version)));
				else if (next.do === 'authorize') ask(authorize());
				else if (next.do === 'wait') await waitUntil(next.until);
				else if (await connection.open(Date.now())) progress.connected();
			}
			return stopped;
		} finally {
			connection.close();
		}
	}

	return { pieces: pieces(), stop };
}
