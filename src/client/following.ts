/// <reference lib="esnext.disposable" preserve="true" />
import { onAbort } from './abort.ts';
import { type FollowOptions, type FollowStatus, itemsOf, type Reader } from './follow.ts';
import { type Followed, followedReader } from './followed.ts';
import type { ClientOptions } from './options.ts';
import { notify } from './report.ts';
import { type Service, serviceOf, settled } from './service.ts';
import type { Types, Untyped } from './typed.ts';
import { pathOf } from './url.ts';
import { type Watched, watchedReader } from './watched.ts';

/** A session that is being followed. The first item that is asked for opens the connection. */
export interface Following<T extends Types = Untyped, Item = Followed<T>>
	extends AsyncIterableIterator<Item> {
	/**
	 * Closes the connection at once and ends the iteration, even while it waits for an item. So does leaving a loop.
	 *
	 * @example
	 * const following = client.follow(session.id);
	 * setTimeout(() => following.close(), 60_000);
	 * for await (const item of following) console.log(item);
	 */
	close(): void;
	/**
	 * Calls back when the stream is open, and when it is lost. Returns a function that ends this.
	 *
	 * @example
	 * following.onStatus((status) => {
	 * 	if (status.type === 'reconnecting') console.log('Offline until', status.retryAt, status.error);
	 * });
	 */
	onStatus(listener: (status: FollowStatus) => void): () => void;
	/**
	 * The items as a stream of bytes, one line of JSON for each, and an empty line after 5 s without one, for the body of a
	 * Response. It reads the session only as fast as it is read, and cancelling it closes the connection.
	 *
	 * @example
	 * return new Response(client.follow(id).toReadableStream(), {
	 * 	headers: { 'Content-Type': 'application/x-ndjson' },
	 * });
	 */
	toReadableStream(): ReadableStream<Uint8Array>;
	/** The same as `close`, for `await using`. */
	[Symbol.asyncDispose](): Promise<void>;
}

/**
 * Follows a session without a client, for a page that does nothing else: a bundle then contains only what this needs. Throws
 * a TypeError for an argument that cannot be used. See `Client.follow`.
 *
 * @example
 * import { follow } from 'product-generation-sessions-client';
 * for await (const item of follow({ baseUrl, token: key }, sessionId)) show(item);
 */
export const follow = <T extends Types = Untyped>(
	client: ClientOptions,
	id: string,
	options: FollowOptions = {},
): Following<T> => followOf<T>(serviceOf(client), id, options);

/**
 * Watches a session without a client, as `follow` follows one. Throws a TypeError for an argument that cannot be used. See
 * `Client.watch`.
 *
 * @example
 * import { watch } from 'product-generation-sessions-client';
 * for await (const { session } of watch({ baseUrl, token: key }, sessionId)) show(session);
 */
export const watch = <T extends Types = Untyped>(
	client: ClientOptions,
	id: string,
	options: FollowOptions = {},
): Following<T, Watched<T>> => watchOf<T>(serviceOf(client), id, options);

const DONE = { done: true, value: undefined } as const;

interface Waiting<Item> {
	resolve(result: IteratorResult<Item, undefined>): void;
	reject(reason: unknown): void;
}

/** See `Client.follow`. */
export const followOf = <T extends Types>(
	service: Service,
	id: string,
	options: FollowOptions,
): Following<T> => handleOn(service, id, options, followedReader) as unknown as Following<T>;

/** See `Client.watch`. */
export const watchOf = <T extends Types>(
	service: Service,
	id: string,
	options: FollowOptions,
): Following<T, Watched<T>> =>
	handleOn(service, id, options, watchedReader) as unknown as Following<T, Watched<T>>;

/** The handle on the items of a session. Each `next` gets one item, in order. */
function handleOn<Item>(
	service: Service,
	id: string,
	options: FollowOptions,
	readerOf: (id: string, after: string | undefined) => Reader<Item>,
): Following<Untyped, Item> {
	const path = pathOf(id, 'events');
	settled(service, options);
	const { signal } = options;
	const closing = new AbortController();
	const listeners = new Set<(status: FollowStatus) => void>();
	if (options.onStatus) listeners.add(options.onStatus);
	const waiting = new Set<Waiting<Item>>();
	/** What the next `next` throws, in an array because it may be undefined. */
	let thrown: [unknown] | [] = [];
	let items: AsyncGenerator<Item, void, undefined> | undefined;
	let forget = () => {};
	let isClosed = false;

	function tell(status: FollowStatus): void {
		if (isClosed) return;
		for (const listener of listeners) notify(() => listener(status));
	}

	function close(): void {
		if (isClosed) return;
		isClosed = true;
		forget();
		closing.abort();
		// It may be suspended at an item that nobody asks for any more. Otherwise the abort ends it.
		void items?.return();
		for (const { resolve } of waiting) resolve(DONE);
		waiting.clear();
	}

	/** Ends the iteration with the reason of the caller's signal, whatever has arrived until then. */
	function abort(): void {
		if (isClosed) return;
		const [first] = waiting;
		if (first) first.reject(signal?.reason);
		else thrown = [signal?.reason];
		close();
	}

	function start(): AsyncGenerator<Item, void, undefined> {
		forget = onAbort(signal, abort);
		return itemsOf(service, path, readerOf(id, options.after), options, closing.signal, tell);
	}

	const following: Following<Untyped, Item> = {
		next() {
			if (signal?.aborted) abort();
			if (thrown.length > 0) {
				const [reason] = thrown;
				thrown = [];
				return Promise.reject(reason);
			}
			if (isClosed) return Promise.resolve(DONE);
			items ??= start();
			const next = items.next();
			return new Promise((resolve, reject) => {
				const asked = { resolve, reject };
				waiting.add(asked);
				next.then(
					(result) => {
						waiting.delete(asked);
						if (result.done) close();
						resolve(result.done ? DONE : result);
					},
					(reason) => {
						waiting.delete(asked);
						close();
						reject(reason);
					},
				);
			});
		},
		async return() {
			close();
			return DONE;
		},
		[Symbol.asyncIterator]: () => following,
		// Some browsers do not have the symbol yet. Nobody can ask for it there.
		...(Symbol.asyncDispose && { [Symbol.asyncDispose]: async () => close() }),
		close,
		onStatus(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		toReadableStream: () => linesOf(following),
	};
	return following;
}

/** Workers notice only by a write that the reader of a response has left, so an empty line is written when nothing happens. */
const BEAT_MS = 5_000;

/** Each item of a followed session as a line of JSON. */
function linesOf(following: AsyncIterator<unknown> & { close(): void }): ReadableStream<Uint8Array> {
	const encoder = new TextEncoder();
	let isCancelled = false;
	return new ReadableStream<Uint8Array>(
		{
			async pull(controller) {
				const put = (line: string) => controller.enqueue(encoder.encode(`${line}\n`));
				const beat = setInterval(() => controller.desiredSize === 0 && put(''), BEAT_MS);
				try {
					const { done, value } = await following.next();
					if (isCancelled) return;
					if (done) controller.close();
					else put(JSON.stringify(value));
				} finally {
					clearInterval(beat);
				}
			},
			cancel() {
				isCancelled = true;
				following.close();
			},
		},
		{ highWaterMark: 0 },
	);
}
