import { ApiError, type Session, type SessionStatus, type Watched } from '../../client/client.ts';
import { HEAD_FIELDS, type SessionHead } from '../exact-json.ts';
import type { Clock } from '../model/clock.ts';
import { type ExactObjects, OBJECTS, type ObjectName } from '../model/object-names.ts';
import { seenFrom } from '../model/seen.ts';
import { newStore, type Store } from '../observable.ts';
import { type Connect, wordsFor, wordsWhileRetrying } from '../service.ts';
import { applied } from './exact-state.ts';
import { heardFetch } from './heard.ts';
import { EMPTY, isWhole, type Log, withNews, withPast } from './log.ts';
import { pastOf } from './past.ts';

export type Connection = 'connecting' | 'live' | 'reconnecting' | 'ended';

/** What the page knows of a session. */
export interface Live {
	connection: Connection;
	log: Log;
	/** The session without its objects, which may take longer to arrive. */
	head: SessionHead | undefined;
	objects: ExactObjects | undefined;
	/** When the page saw each object change, in epoch milliseconds. */
	changed: Partial<Record<ObjectName, number>>;
	/** The statuses that the page has seen, each with the time of its change. */
	statuses: readonly { status: SessionStatus; time: number }[];
	/** Why the session cannot be shown, or is not shown any more. */
	problem: string | undefined;
	/** How the session has ended while the page showed it. */
	ended: 'deleted' | 'expired' | undefined;
}

export interface SessionWatch extends Store<Live> {
	/** Whether the last bytes of the stream came so recently that a silence is one of the session. */
	isCurrent(): boolean;
	stop(): void;
}

/** Enough to know what goes on, and little enough for a slow connection: each payload may have 100,000 bytes. */
const NEWEST = 20;
const RETRY_MS = 2000;
/** The client takes a stream for dead when it was silent for so long. */
const MAX_SILENCE_MS = 46_000;

/**
 * Follows a session until it is stopped: the newest events first, then what happens from now on, and behind that the past. It
 * holds the session by what the stream tells of its changes, and never reads it again.
 */
export function watchSession(connect: Connect, clock: Clock, id: string): SessionWatch {
	const stop = new AbortController();
	const { signal } = stop;
	const heard = heardFetch();
	let objects: ExactObjects | undefined;
	const store = newStore<Live>({
		connection: 'connecting',
		log: EMPTY,
		head: undefined,
		objects: undefined,
		changed: {},
		statuses: [],
		problem: undefined,
		ended: undefined,
	});

	function fail(error: unknown): void {
		if (signal.aborted) return;
		store.set({ connection: 'ended', problem: wordsFor(error) });
		stop.abort();
	}

	/** Reads what may fail for a while, until it succeeds. */
	async function patiently<T>(read: () => Promise<T>): Promise<T> {
		for (;;) {
			try {
				const found = await read();
				if (store.get().problem && !signal.aborted) store.set({ problem: undefined });
				return found;
			} catch (error) {
				const isPassing =
					error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
				if (!isPassing || signal.aborted) throw error;
				if (store.get().connection !== 'live')
					store.set({ connection: 'reconnecting', problem: wordsWhileRetrying(error) });
			}
			await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
		}
	}

	async function readNewest(): Promise<string | undefined> {
		const newest = await patiently(() =>
			connect().events(id, { order: 'desc', limit: NEWEST, signal, maxRetries: 0 }),
		);
		store.set({ log: withNews(EMPTY, newest.data.map(seenFrom).reverse()) });
		return newest.data[0]?.id;
	}

	async function readPast(): Promise<void> {
		while (!isWhole(store.get().log) && !signal.aborted) {
			const [oldest] = store.get().log.events;
			if (oldest === undefined) return;
			await patiently(async () => {
				for await (const page of pastOf(connect(), id, oldest.id, signal)) {
					store.set({ log: withPast(store.get().log, page.map(seenFrom).reverse()) });
				}
			});
		}
	}

	function show({ session, etag, changed, events, ended }: Watched): void {
		const before = store.get();
		const now = Date.now();
		for (const { createdAt } of events) clock.isPast(Date.parse(createdAt), now);
		const texts = objects ?? textsOf(session);
		const news = OBJECTS.filter((name) => before.objects && before.objects[name] !== texts[name]);
		const { status, updatedAt } = session;
		const statuses =
			before.statuses.length === 0 || changed.includes('status')
				? [...before.statuses, { status, time: Date.parse(updatedAt) }]
				: before.statuses;
		store.set({
			connection: ended ? 'ended' : 'live',
			log: withNews(before.log, events.map(seenFrom)),
			head: { ...session, etag },
			objects: texts,
			changed: { ...before.changed, ...Object.fromEntries(news.map((name) => [name, now])) },
			statuses,
			...(ended && {
				ended,
				problem: `This session ${ended === 'deleted' ? 'was deleted' : 'has expired'}.`,
			}),
		});
	}

	async function follow(after: string | undefined): Promise<void> {
		const following = connect(heard.fetch).watch(id, {
			after,
			signal,
			maxRetries: Number.POSITIVE_INFINITY,
			onFrame(type, data) {
				objects = applied(objects, type, data) ?? objects;
			},
			onStatus({ type }) {
				store.set({ connection: type === 'connected' ? 'live' : 'reconnecting' });
			},
		});
		for await (const item of following) {
			show(item);
			if (item.ended) stop.abort();
		}
	}

	/** What is small of the session, so that it shows before large objects arrive. */
	async function readHead(): Promise<void> {
		const { data, etag = '' } = await patiently(() =>
			connect().get(id, { fields: HEAD_FIELDS, signal, maxRetries: 0 }).withResponse(),
		);
		if (store.get().head === undefined) store.set({ head: { ...data, etag } });
	}

	async function start(): Promise<void> {
		const head = readHead();
		const [newest] = await Promise.all([readNewest(), head]);
		await Promise.all([follow(newest), readPast()]);
	}

	void start().catch(fail);
	return {
		get: store.get,
		subscribe: store.subscribe,
		isCurrent: () => Date.now() - heard.at() < MAX_SILENCE_MS,
		stop: () => stop.abort(),
	};
}

/** The objects of a session that arrived without its frame. */
const textsOf = (session: Session): ExactObjects =>
	Object.fromEntries(OBJECTS.map((name) => [name, JSON.stringify(session[name])])) as ExactObjects;
