import { createMiddleware } from 'hono/factory';
import { limits } from '../core/limits.ts';
import { pause } from '../core/pause.ts';
import type { AppEnv } from './context.ts';

/** The maximum to read and discard of a body, in bytes and in milliseconds. */
const MAX_DISCARDED = 8 * limits.requestBody;
const DISCARDING_MS = 1000;
/** workerd reads this much of an unread body by itself before it closes the connection (`canceledUploadGraceBytes` of kj's HTTP server). */
const READ_BY_WORKERD = 65_536;
/** How much is read at once of a body that nobody reads: less, and each read costs more than the bytes. */
const READ_AT_ONCE = 131_072;

export type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel'>;

/**
 * Reads the rest of a body that is refused, and forgets it: a client that sends the whole body before it reads would see a reset
 * connection instead of the response.
 */
export async function discard(reader: Reader): Promise<void> {
	await Promise.race([readToTheEnd(reader), pause(DISCARDING_MS)]);
}

async function readToTheEnd(reader: Reader): Promise<void> {
	try {
		for (let size = 0; size < MAX_DISCARDED; ) {
			const { done, value } = await reader.read();
			if (value) size += value.byteLength;
			if (done) return;
		}
		await reader.cancel();
	} catch {
		// The client has disconnected: there is nothing left to read.
	}
}

/** Discards the body of a request that was answered without it. What was read of it counts as its cost. */
export const discardUnread = createMiddleware<AppEnv>(async (c, next) => {
	await next();
	const { body, bodyUsed, headers } = c.req.raw;
	if (!body || bodyUsed || body.locked) return;
	if (Number(headers.get('Content-Length') ?? Number.POSITIVE_INFINITY) <= READ_BY_WORKERD) return;
	let read = 0;
	const discarding = readIntoOneBuffer(body, (bytes) => {
		read += bytes;
	});
	await Promise.race([discarding, pause(DISCARDING_MS)]);
	c.set('bodyBytes', read);
	// Only the request of a known caller has it.
	const countCost = c.get('countCost') as AppEnv['Variables']['countCost'] | undefined;
	if (countCost) c.executionCtx.waitUntil(countCost());
});

/** Reads as `readToTheEnd` does, with a fifth of the processor time: the chunks of a connection are small. */
async function readIntoOneBuffer(
	body: ReadableStream<Uint8Array>,
	onRead: (bytes: number) => void,
): Promise<void> {
	try {
		const reader = body.getReader({ mode: 'byob' });
		let buffer = new ArrayBuffer(READ_AT_ONCE);
		for (let size = 0; size < MAX_DISCARDED; size += READ_AT_ONCE) {
			const { done, value } = await reader.readAtLeast(READ_AT_ONCE, new Uint8Array(buffer));
			if (value) onRead(value.byteLength);
			if (done) return;
			buffer = value.buffer as ArrayBuffer;
		}
		await reader.cancel();
	} catch {
		// The client has disconnected, or the body does not come from a connection.
	}
}
