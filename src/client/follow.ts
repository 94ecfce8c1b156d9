import { onAbort, pause } from './abort.ts';
import type { ApiError } from './error.ts';
import { Failure, type Meaning } from './failure.ts';
import { type Frame, framesOf } from './frames.ts';
import { randomId } from './headers.ts';
import type { CallOptions, FetchResponse } from './options.ts';
import { notify } from './report.ts';
import { foreign, type Sent } from './response.ts';
import { delayBefore, MAX_FOREIGN_RETRIES, MAX_RETRY_AFTER_MS } from './retry.ts';
import { attempt, type Sending, type Service, settled, tokenWithin } from './service.ts';
import { type Query, queryOf } from './url.ts';

/** What `follow` tells about its connection. */
export type FollowStatus =
	/** The stream is open: the first time, or again. */
	| { type: 'connected' }
	/**
	 * The stream could not be opened, or was lost. The client opens it at `retryAt`. `error` is an ApiError, or what the
	 * token function threw.
	 */
	| { type: 'reconnecting'; error: unknown; retryAt: Date };

export interface FollowOptions extends CallOptions {
	/** The id of the last event that the caller has. Default: all events from the first one on. */
	after?: string | undefined;
	/** The timeout for opening the stream, each time. Default: the client's. The open stream has none. */
	timeoutMs?: number | undefined;
	/**
	 * How many times in a row the stream may fail before the iteration throws. Default: the client's `maxRetries` until
	 * the stream has started, and no limit afterwards.
	 */
	maxRetries?: number | undefined;
	/** Called when the stream is open, and when it is lost. */
	onStatus?: ((status: FollowStatus) => void) | undefined;
	/**
	 * Called with the type and the JSON of each frame before the item that it becomes. The JSON has every digit of its numbers,
	 * which the values of the items do not.
	 */
	onFrame?: ((type: string, data: string) => void) | undefined;
}

/** Makes items of what the streams of one session tell, one stream after the other. */
export interface Reader<Item> {
	/** What the query of a stream has besides its place. */
	readonly query: Query;
	/** The id of the last event that was read, after which the next stream begins. */
	after: string | undefined;
	/** When the session expires, as far as it is known, in milliseconds. */
	expiresAt: number;
	/** Reads one stream. It returns when the session has ended. `get` reads what is at a path. */
	items(arriving: AsyncIterable<Frame[]>, get: Get): AsyncGenerator<Item, void, undefined>;
	/** The last item. Undefined when there can be none because nothing is known of the session. */
	ended(reason: 'deleted' | 'expired'): Item | undefined;
}

/** Reads what is at a path, once. Throws a Failure. */
export type Get = <T>(path: string, read: (response: FetchResponse, sent: Sent) => Promise<T>) => Promise<T>;

/** The initial delay before a reconnection, until the stream sends another one. */
const FIRST_DELAY_MS = 2_000;
const MIN_DELAY_MS = 100;
const MAX_DELAY_MS = 30_000;
/** A stream that was open for so long was not a failure. */
const STEADY_MS = 5_000;

/**
 * Follows the streams of a session until it ends, or until the signal aborts, which closes the connection. See
 * `Client.follow`.
 */
export async function* itemsOf<Item>(
	service: Service,
	path: string,
	reader: Reader<Item>,
	options: FollowOptions,
	signal: AbortSignal,
	tell: (status: FollowStatus) => void,
): AsyncGenerator<Item, void, undefined> {
	const { tokens } = service;
	const { timeoutMs, maxRetries, given } = settled(service, options);
	const callId = randomId();
	let delayMs = FIRST_DELAY_MS;
	let hasStarted = false;
	let wasRenewed = false;
	/** Failures in a row. */
	let failures = 0;
	let refusal: ApiError | undefined;
	let nextToken: () => Promise<string | undefined> = tokens.current;

	/** Shows each frame to the caller. */
	async function* shown(frames: AsyncIterable<Frame[]>): AsyncGenerator<Frame[]> {
		const { onFrame } = options;
		for await (const arrived of frames) {
			for (const { event = 'message', data } of arrived) notify(() => onFrame?.(event, data));
			yield arrived;
		}
	}

	/** Opens the stream, and yields what is new in it until the session ends. */
	async function* stream(sending: Sending): AsyncGenerator<Item, void, undefined> {
		const { query, after } = reader;
		const request = {
			method: 'GET',
			path: path + queryOf({ ...query, after }),
			headers: { ...given, accept: 'text/event-stream' },
		};
		const body = await attempt(service, request, sending, 200, bodyOf);
		const openedAt = Date.now();
		[hasStarted, wasRenewed] = [true, false];
		tell({ type: 'connected' });
		const frames = framesOf(body, signal, sending.requestId, (retryMs) => {
			delayMs = Math.min(MAX_DELAY_MS, Math.max(MIN_DELAY_MS, retryMs));
		});
		const get: Get = (place, read) =>
			attempt(
				service,
				{ method: 'GET', path: place, headers: given },
				{ ...sending, connection: new AbortController() },
				200,
				read,
			);
		try {
			for await (const item of reader.items(shown(frames), get)) {
				failures = 0;
				yield item;
			}
		} finally {
			if (reader.after !== after || Date.now() - openedAt >= STEADY_MS) failures = 0;
		}
	}

	for (let retry = 0; ; retry += 1) {
		const requestId = given['x-request-id'] ?? `${callId}.${retry}`;
		const connection = new AbortController();
		const forget = onAbort(signal, () => connection.abort());
		let token: string | undefined;
		let failure: { error: unknown; means: Meaning; retryAfterMs: number };
		try {
			token = await tokenWithin(nextToken(), timeoutMs, signal);
			// The token function has no other token than the one that was refused.
			if (token === undefined) throw refusal;
			yield* stream({ token, requestId, retry, timeoutMs, signal, connection });
			return;
		} catch (thrown) {
			const isOfToken = token === undefined && thrown !== refusal;
			if (thrown instanceof Failure) failure = thrown;
			// The server of a page may be away together with the service, and it makes the tokens.
			else if (isOfToken && hasStarted && !signal.aborted) {
				failure = { error: thrown, means: 'lost', retryAfterMs: 0 };
			} else throw thrown;
		} finally {
			forget();
			connection.abort();
		}
		const { error, means, retryAfterMs } = failure;
		if (means === 'refused') {
			const { status, code } = error as ApiError;
			if (token !== undefined && status === 401 && !wasRenewed) {
				wasRenewed = true;
				refusal = error as ApiError;
				const refused = token;
				nextToken = () => tokens.renewed(refused);
				continue;
			}
			const isGone = hasStarted && code === 'SESSION_NOT_FOUND';
			// The session has ended while nobody could tell. It was there until then, so its time tells why.
			const last = isGone && reader.ended(Date.now() >= reader.expiresAt ? 'expired' : 'deleted');
			if (!last) throw error;
			yield last;
			return;
		}
		const most = options.maxRetries ?? (hasStarted ? Number.POSITIVE_INFINITY : maxRetries);
		const isElsewhere = !hasStarted && means === 'foreign' && failures >= MAX_FOREIGN_RETRIES;
		if (isElsewhere || failures >= most) throw error;
		failures += 1;
		const waitMs = delayBefore(failures, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS), delayMs, MAX_DELAY_MS);
		tell({ type: 'reconnecting', error, retryAt: new Date(Date.now() + waitMs) });
		await pause(waitMs, signal);
		nextToken = tokens.fresh;
		wasRenewed = false;
	}
}

async function bodyOf(response: FetchResponse, sent: Sent): Promise<NonNullable<FetchResponse['body']>> {
	const isStream = /^text\/event-stream\b/i.test(response.headers.get('Content-Type') ?? '');
	if (response.body && isStream) return response.body;
	throw foreign(response, sent, 'foreign', 'The server does not offer an event stream.');
}
