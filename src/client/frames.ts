import { createParser } from 'eventsource-parser';
import { within } from './abort.ts';
import { ApiError, unexpected } from './error.ts';
import { withEtag } from './etag.ts';
import { Failure } from './failure.ts';
import type { FetchResponse } from './options.ts';
import { isObject, jsonOf } from './response.ts';
import type { Event, Types, Untyped } from './typed.ts';
import type { SessionStatus } from './types.ts';

/** The state of a followed session. Pass it, or its `etag`, as `ifMatch`. */
export interface SessionState {
	etag: string;
	expiresAt: string;
	id: string;
	status: SessionStatus;
	updatedAt: string;
}

/** What `follow` yields. */
export type Followed<T extends Types = Untyped> =
	/** The next event of the session. */
	| { type: 'event'; event: Event<T> }
	/** The state of the session: once after the stored events, then after each change. */
	| { type: 'session'; session: SessionState }
	/** The session was deleted or has expired. This is the last item. */
	| { type: 'end'; reason: 'deleted' | 'expired' };

/** The service sends a comment every 15 s. The connection is dead when three of them are missing. */
const MAX_SILENCE_MS = 45_000;
/** The service sends a frame in one piece, so its rest is never far behind. */
const MAX_SILENCE_IN_FRAME_MS = 10_000;
/** Many times the largest event. */
const MAX_FRAME = 8 * 1024 * 1024;

/** One frame of a stream: a message with data, or the delay that the stream asks for. */
export interface Frame {
	event?: string | undefined;
	data?: string;
	retryMs?: number;
}

/**
 * Reads the frames of a stream until it ends. Throws a Failure when it breaks off or is silent for too long, and the reason
 * of the signal. The stream is closed when the loop over it ends.
 */
export async function* framesOf(
	body: NonNullable<FetchResponse['body']>,
	signal: AbortSignal,
	requestId: string,
): AsyncGenerator<Frame> {
	const broken = (message: string, cause?: unknown) =>
		new Failure(new ApiError(message, { status: 200, code: 'NETWORK_ERROR', requestId, cause }), 'lost');
	const reader = body.getReader();
	const decoder = new TextDecoder();
	const frames: Frame[] = [];
	const parser = createParser({
		maxBufferSize: MAX_FRAME,
		onEvent: ({ event, data }) => frames.push({ event, data }),
		onRetry: (retryMs) => frames.push({ retryMs }),
		onError({ type }) {
			if (type.startsWith('max')) throw broken('A frame of the stream is too large.');
		},
	});
	let end = '\n\n';
	try {
		for (;;) {
			const isBetween = /(\n\n|\r\r|\r\n\r\n)$/.test(end);
			const mostMs = isBetween ? MAX_SILENCE_MS : MAX_SILENCE_IN_FRAME_MS;
			// The timeout runs only while the client waits for a frame: a slow consumer does not mean a dead connection.
			const { done, value } = await within(
				reader.read().catch((cause) => {
					throw broken('The stream broke off. See cause.', cause);
				}),
				mostMs,
				signal,
				() => broken(`The stream was silent for ${mostMs} ms.`),
			);
			// The service may restart, and it ends each stream after some time.
			if (done) throw broken('The stream ended.');
			const text = decoder.decode(value, { stream: true });
			end = (end + text).slice(-4);
			parser.feed(text);
			yield* frames.splice(0);
		}
	} finally {
		// Not every implementation of fetch closes the stream when its signal aborts.
		reader.cancel().catch(() => {});
	}
}

/**
 * The item in a frame, or undefined for a type of frame that this version of the client does not know. Throws a Failure for
 * data that is not the service's about this session.
 */
export function followedFrom({ event, data = '' }: Frame, id: string): Followed | undefined {
	if (event !== 'event' && event !== 'session' && event !== 'end') return undefined;
	const value = jsonOf(data);
	if (isObject(value)) {
		if (event === 'event' && typeof value.id === 'string' && value.sessionId === id) {
			return { type: 'event', event: value as unknown as Event };
		}
		if (event === 'session' && typeof value.etag === 'string' && value.id === id) {
			const state = value as unknown as SessionState;
			return { type: 'session', session: withEtag(state, state.etag) };
		}
		if (event === 'end' && (value.reason === 'deleted' || value.reason === 'expired')) {
			return { type: 'end', reason: value.reason };
		}
	}
	throw new Failure(unexpected('A frame of the stream is not one of the service.'), 'lost');
}
