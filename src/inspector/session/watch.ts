import { ApiError, type Event, type SessionState } from '../../client/client.ts';
import { type ExactSession, OBJECTS, type ObjectName, readSession } from '../exact-json.ts';
import { newStore, type Store } from '../observable.ts';
import { type Connect, wordsFor } from '../service.ts';
import { fetchUntilOffline } from './fetch-until-offline.ts';

/** `reading` lasts until the stored events have arrived. */
export type Connection = 'connecting' | 'reading' | 'live' | 'reconnecting' | 'ended';

/** What the page knows of a session. */
export interface Watched {
	connection: Connection;
	/** All events, oldest first. The array grows in place, so `count` tells of new ones. */
	events: readonly Event[];
	count: number;
	/** The state that the stream told last: newer than `session`, which is read when it changes. */
	state: SessionState | undefined;
	session: ExactSession | undefined;
	/** When the page saw each object change, in epoch milliseconds. */
	changed: Partial<Record<ObjectName, number>>;
	/** Why the session cannot be shown, or is not shown any more. */
	problem: string | undefined;
}

export interface SessionWatch extends Store<Watched> {
	/** Reads the session again now, after a write of this page. */
	refresh(): void;
	stop(): void;
}

/** The least time between two reads of a session that changes all the time. */
const READ_PAUSE_MS = 1000;

/** Follows a session, and reads its objects whenever its state changes, until it is stopped. */
export function watchSession(connect: Connect, id: string): SessionWatch {
	const stop = new AbortController();
	const { signal } = stop;
	const events: Event[] = [];
	const store = newStore<Watched>({
		connection: 'connecting',
		events,
		count: 0,
		state: undefined,
		session: undefined,
		changed: {},
		problem: undefined,
	});
	let isWanted = false;
	let isReading = false;

	function fail(error: unknown): void {
		if (signal.aborted) return;
		store.set({ connection: 'ended', problem: wordsFor(error) });
		stop.abort();
	}

	function show(session: ExactSession): void {
		const { session: previous, changed } = store.get();
		const now = Date.now();
		const isNew = (name: ObjectName) =>
			previous !== undefined && previous.objects[name] !== session.objects[name];
		const news = OBJECTS.filter(isNew).map((name) => [name, now]);
		store.set({ session, changed: { ...changed, ...Object.fromEntries(news) } });
	}

	/** Reads the session, and once more if it changes meanwhile. Large objects that change often are read less often. */
	async function refresh(): Promise<void> {
		isWanted = true;
		if (isReading) return;
		isReading = true;
		while (isWanted && !signal.aborted) {
			isWanted = false;
			const began = performance.now();
			try {
				show(await readSession(connect, id, { signal }));
			} catch (error) {
				// The stream tells of the end of a session, and reconnects.
				const isPassing = error instanceof ApiError && (error.status === 0 || error.status >= 500);
				if (store.get().session === undefined && !isPassing) return fail(error);
				if (isPassing) isWanted = true;
			}
			const tookMs = performance.now() - began;
			await new Promise((resolve) => setTimeout(resolve, Math.max(READ_PAUSE_MS, 4 * tookMs)));
		}
		isReading = false;
	}

	async function follow(): Promise<void> {
		const following = connect(fetchUntilOffline).follow(id, {
			signal,
			maxRetries: Number.POSITIVE_INFINITY,
			onStatus({ type }) {
				// The stored events come first. The client leaves out a state that it has told already.
				const begun = store.get().state === undefined ? 'reading' : 'live';
				store.set({ connection: type === 'connected' ? begun : 'reconnecting' });
			},
		});
		for await (const item of following) {
			if (item.type === 'event') {
				events.push(item.event);
				store.set({ count: events.length });
			} else if (item.type === 'session') {
				store.set({ state: item.session, connection: 'live' });
				if (item.session.etag !== store.get().session?.etag) void refresh();
			} else {
				const problem = `This session ${item.reason === 'deleted' ? 'was deleted' : 'has expired'}.`;
				store.set({ connection: 'ended', problem });
				stop.abort();
			}
		}
	}

	void refresh();
	void follow().catch(fail);
	return {
		get: store.get,
		subscribe: store.subscribe,
		refresh: () => void refresh(),
		stop: () => stop.abort(),
	};
}
