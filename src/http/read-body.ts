import type { Context } from 'hono';
import { ApiError } from '../core/errors.ts';
import { type Held, hold } from '../core/held-bytes.ts';
import { limits } from '../core/limits.ts';
import { pauseUntil } from '../core/pause.ts';
import { callerKey, type Principal } from '../core/principal.ts';
import { within } from '../core/within.ts';
import type { AppEnv } from './context.ts';
import { discard, type Reader } from './discard.ts';

/**
 * The time in which a body must arrive. Until then it holds memory of the isolate, and nothing else. The largest one arrives in this
 * time over a connection of 300 kbit/s.
 */
const ARRIVES_MS = 60_000;
/**
 * How long a body waits unread while its caller's requests hold as much as they may. Meanwhile it holds nothing, and its client sends
 * no more than the connection buffers: a refusal would make a client without patience send it again at once.
 */
const WAITS_MS = 8_000;
const PAUSES = { firstMs: 16, longestMs: 256, forMs: WAITS_MS };

/**
 * How much is read at once of a body of unknown length. A client chooses the sizes of its chunks, and each chunk that is read by itself
 * takes a buffer of 4 KB and more time than its bytes.
 */
const READ_AT_ONCE = 16_384;

/** A reader of large pieces, whatever the chunks are. It tells the size of each. */
const inPieces = (reader: ReadableStreamBYOBReader, onPiece: (bytes: number) => void): Reader => ({
	async read() {
		const piece = await reader.readAtLeast(READ_AT_ONCE, new Uint8Array(READ_AT_ONCE));
		if (piece.value) onPiece(piece.value.byteLength);
		return piece as ReadableStreamReadResult<Uint8Array>;
	},
	cancel: (reason) => reader.cancel(reason),
});

/**
 * Reads the request body. Throws INVALID_JSON when the body breaks off, REQUEST_TIMEOUT when it takes too long, RATE_LIMITED when its
 * caller's requests hold too much already, and PAYLOAD_TOO_LARGE when its announced or actual
 * length exceeds the limit. What it has begun to read it discards before it refuses the body; `discardUnread` discards the others.
 */
export async function readBody(c: Context<AppEnv>): Promise<ArrayBuffer> {
	const { body, headers } = c.req.raw;
	if (!body) return new ArrayBuffer(0);
	// The server does not deliver more than the announced length.
	const length = headers.has('Transfer-Encoding') ? null : headers.get('Content-Length');
	if (length === null) return readUnannounced(c, body);
	if (Number(length) > limits.requestBody) throw await tooLarge(c, body.getReader({ mode: 'byob' }));
	c.set('bodyBytes', Number(length));
	return arriving(c, Number(length), () => c.req.raw.arrayBuffer());
}

/** Reads a body whose length nobody knows. */
async function readUnannounced(c: Context<AppEnv>, body: ReadableStream<Uint8Array>): Promise<ArrayBuffer> {
	const reader = body.getReader({ mode: 'byob' });
	const read = (holds: (bytes: number) => void) =>
		readAtMost(
			limits.requestBody,
			inPieces(reader, (bytes) => {
				addBodyBytes(c, bytes);
				holds(bytes);
			}),
		);
	try {
		const whole = await arriving(c, 0, read);
		if (whole) return whole;
	} catch (error) {
		if (error instanceof ApiError && error.code === 'RATE_LIMITED') await discardCounted(c, reader);
		reader.cancel().catch(() => {});
		throw error;
	}
	throw await tooLarge(c, reader);
}

const addBodyBytes = (c: Context<AppEnv>, bytes: number): void =>
	c.set('bodyBytes', (c.get('bodyBytes') ?? 0) + bytes);

const discardCounted = (c: Context<AppEnv>, reader: ReadableStreamBYOBReader) =>
	discard(inPieces(reader, (bytes) => addBodyBytes(c, bytes)));

/** Discards some of a body, and returns the error for it. */
async function tooLarge(c: Context<AppEnv>, reader: ReadableStreamBYOBReader): Promise<ApiError> {
	await discardCounted(c, reader);
	return new ApiError('PAYLOAD_TOO_LARGE', `The body exceeds ${limits.requestBody} bytes.`);
}

/**
 * Waits for a read of the body, which holds some bytes, and more that `read` tells. Throws RATE_LIMITED, REQUEST_TIMEOUT, and INVALID_JSON
 * when it fails, because only the body's sender can cause that.
 */
async function arriving<T>(
	c: Context<AppEnv>,
	bytes: number,
	read: (holds: (bytes: number) => void) => Promise<T>,
): Promise<T> {
	const held = holdersOf(c.get('principal'));
	const holds = (more: number) => {
		for (const each of held) each.more(more);
	};
	try {
		await pauseUntil(() => held.every((each) => each.hasRoom(bytes)), PAUSES);
		holds(bytes);
		return await within(
			ARRIVES_MS,
			read(holds),
			() => new ApiError('REQUEST_TIMEOUT', `The body did not arrive within ${ARRIVES_MS / 1000} s.`),
		);
	} catch (cause) {
		if (cause instanceof ApiError) throw cause;
		throw new ApiError('INVALID_JSON', 'The body ended before it was complete.', { cause });
	} finally {
		for (const each of held) each.giveUp();
	}
}

/**
 * Holds nothing yet for a body of a caller. That of a key for one session also counts under a lower limit of the key's own, so that the
 * holder of one key cannot use up the caller's.
 */
function holdersOf(principal: Principal): Held[] {
	const until = Date.now() + WAITS_MS + ARRIVES_MS;
	const { sessionId, keyId } = principal;
	return [
		...(sessionId === null ? [] : [hold(`session key ${keyId}`, 0, until, limits.requestBody)]),
		hold(callerKey(principal), 0, until),
	];
}

/** Reads to the end. Returns undefined as soon as the body exceeds `max` bytes. */
async function readAtMost(max: number, reader: Reader): Promise<ArrayBuffer | undefined> {
	const pieces: Uint8Array[] = [];
	let size = 0;
	for (;;) {
		const { done, value } = await reader.read();
		if (value) {
			size += value.byteLength;
			if (size > max) return undefined;
			pieces.push(value);
		}
		if (done) return new Blob(pieces).arrayBuffer();
	}
}
