import { createParser } from 'eventsource-parser';
import { type Connection, newConnection, type OutgoingRequest, successOf } from './connection.ts';
import { ApiError, jsonOf } from './error.ts';
import { Failure } from './failure.ts';
import { type CallOptions, limitsOf } from './options.ts';
import { delayBefore, pause } from './retry.ts';
import { headersWith, type Service } from './send.ts';
import type { Event, SessionStatus } from './types.ts';

/** The state of a followed session. Pass its `etag` as `ifMatch`. */
export interface SessionState {
	etag: string;
	expiresAt: string;
	id: string;
	status: SessionStatus;
	updatedAt: string;
}

/** What `follow` yields. */
export type Followed =
	/** The next event of the session. */
	| { type: 'event'; event: Event }
	/** The state of the session: once after the stored events, then after each change. */
	| { type: 'session'; session: SessionState }
	/** The session was deleted or has expired. This is the last item. */
	| { type: 'end'; reason: 'deleted' | 'expired' };

export interface FollowOptions extends Omit<CallOptions, 'timeoutMs'> {
	/** The id of the last event that the caller has. Default: all events from the first one on. */
	after?: string | undefined;
	/**
	 * How many times in a row the stream may fail before the iteration throws. Default: the client's `maxRetries` until
	 * the stream has started, and no limit afterwards.
	 */
	maxRetries?: number | undefined;
}

/** The service sends a comment every 15 s. The connection is dead when three of them are missing. */
const MAX_SILENCE_MS = 45_000;
/** The initial delay, until the stream sends another one. */
const FIRST_DELAY_MS = 2_000;
const MAX_DELAY_MS = 30_000;

/** Follows the stream at `url`; see `Client.follow`. */
export async function* follow(
	service: Service,
	url: string,
	options: FollowOptions,
): AsyncGenerator<Followed, void, undefined> {
	const limits = limitsOf(service.options, options);
	let { after } = options;
	let maxFailures = limits.maxRetries;
	let firstDelayMs = FIRST_DELAY_MS;
	let lastState: string | undefined;
	let token = await service.tokens.current();
	let wasRenewed = false;
	for (let failures = 0; ; ) {
		let retryAfterMs = 0;
		const connection = newConnection(options.signal);
		try {
			const body = await open(service, requestAfter(url, after), token, connection, limits.timeoutMs);
			maxFailures = options.maxRetries ?? Number.POSITIVE_INFINITY;
			wasRenewed = false;
			for await (const frame of framesOf(body, connection)) {
				failures = 0;
				if (frame.retryMs !== undefined) firstDelayMs = frame.retryMs;
				if (frame.data === undefined) continue;
				const item = followedFrom(frame);
				if (item === undefined || (item.type === 'session' && frame.data === lastState)) continue;
				if (item.type === 'event') after = item.event.id;
				if (item.type === 'session') lastState = frame.data;
				yield item;
				if (item.type === 'end') return;
			}
			throw ended();
		} catch (failure) {
			if (!(failure instanceof Failure)) throw failure;
			if (failure.error.status === 401 && !wasRenewed) {
				wasRenewed = true;
				const renewed = await service.tokens.renewed(token);
				if (renewed !== undefined) {
					token = renewed;
					continue;
				}
			}
			if (failure.means === 'refused' || failures >= maxFailures) throw failure.error;
			retryAfterMs = failure.retryAfterMs;
		} finally {
			connection.close();
		}
		failures += 1;
		const delay = delayBefore(failures, retryAfterMs, firstDelayMs, MAX_DELAY_MS);
		await pause(delay ?? retryAfterMs, options.signal);
		token = await service.tokens.fresh();
	}
}

function requestAfter(url: string, after: string | undefined): OutgoingRequest {
	const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
	return { method: 'GET', url: url + query, headers: { Accept: 'text/event-stream' } };
}

async function open(
	service: Service,
	request: OutgoingRequest,
	token: string,
	connection: Connection,
	timeoutMs: number,
): Promise<ReadableStream<Uint8Array>> {
	const { method, url } = request;
	const init = { method, headers: headersWith(token, request), signal: connection.signal };
	const response = await connection.within(timeoutMs, service.fetch(url, init).then(successOf));
	const isStream = response.headers.get('Content-Type')?.startsWith('text/event-stream');
	if (response.body && isStream) return response.body;
	const error = new ApiError('The server does not offer the events as a stream (text/event-stream).', {
		status: response.status,
		code: 'UNEXPECTED_RESPONSE',
	});
	throw new Failure(error, 'refused');
}

/**
 * A stream ends without an `end` item when the service restarts, and after its maximum duration. The client then
 * resumes.
 */
const ended = () =>
	new Failure(new ApiError('The stream ended.', { status: 200, code: 'NETWORK_ERROR' }), 'lost');

/** One frame of a stream: a message with data, or the delay that the stream asks for. */
interface Frame {
	event?: string | undefined;
	data?: string;
	retryMs?: number;
}

/** Reads the frames of a stream until it ends. Throws a Failure when it breaks off or is silent for too long. */
async function* framesOf(body: ReadableStream<Uint8Array>, connection: Connection): AsyncGenerator<Frame> {
	const reader = body.getReader();
	const decoder = new TextDecoder();
	const frames: Frame[] = [];
	const parser = createParser({
		onEvent: ({ event, data }) => frames.push({ event, data }),
		onRetry: (retryMs) => frames.push({ retryMs }),
	});
	for (;;) {
		// The timeout runs only while the client waits for a frame: a slow consumer does not mean a dead connection.
		const { done, value } = await connection.within(MAX_SILENCE_MS, reader.read());
		if (done) return;
		parser.feed(decoder.decode(value, { stream: true }));
		yield* frames.splice(0);
	}
}

/** The item in a frame, or undefined for a type of frame that this version of the client does not know. */
function followedFrom({ event, data = '' }: Frame): Followed | undefined {
	const value = jsonOf(data);
	switch (event) {
		case 'event':
			return { type: 'event', event: value as Event };
		case 'session':
			return { type: 'session', session: value as SessionState };
		case 'end':
			return { type: 'end', reason: (value as { reason: 'deleted' | 'expired' }).reason };
		default:
			return undefined;
	}
}
