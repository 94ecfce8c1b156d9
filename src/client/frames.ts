import { createParser } from 'eventsource-parser';
import { within } from './abort.ts';
import { ApiError, unexpected } from './error.ts';
import { Failure } from './failure.ts';
import type { FetchResponse } from './options.ts';

/** The service sends a comment every 15 s. The connection is dead when three of them are missing. */
const MAX_SILENCE_MS = 45_000;
/** The service sends a frame in one piece, so its rest is never far behind. */
const MAX_SILENCE_IN_FRAME_MS = 10_000;
/** Many times the largest event. */
const MAX_FRAME = 8 * 1024 * 1024;

/** One frame of a stream. */
export interface Frame {
	event?: string | undefined;
	data: string;
}

/**
 * Reads the frames of a stream until it ends, those together that arrive together. `onRetry` gets the delay that the stream
 * asks for. Throws a Failure when the stream breaks off or is silent for too long, and the reason of the signal. The stream
 * is closed when the loop over it ends.
 */
export async function* framesOf(
	body: NonNullable<FetchResponse['body']>,
	signal: AbortSignal,
	requestId: string,
	onRetry: (milliseconds: number) => void,
): AsyncGenerator<Frame[]> {
	const broken = (message: string, cause?: unknown) =>
		new Failure(new ApiError(message, { status: 200, code: 'NETWORK_ERROR', requestId, cause }), 'lost');
	const reader = body.getReader();
	const decoder = new TextDecoder();
	const frames: Frame[] = [];
	const parser = createParser({
		maxBufferSize: MAX_FRAME,
		onEvent: ({ event, data }) => frames.push({ event, data }),
		onRetry,
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
			if (frames.length > 0) yield frames.splice(0);
		}
	} finally {
		// Not every implementation of fetch closes the stream when its signal aborts.
		reader.cancel().catch(() => {});
	}
}

/** The Failure for a frame that is not the service's about this session. */
export const foreignFrame = (what = 'A frame of the stream is not one of the service.'): Failure =>
	new Failure(unexpected(what), 'lost');
