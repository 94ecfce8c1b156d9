import type { Context } from 'hono';
import { ApiError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { pause } from '../core/pause.ts';
import type { AppEnv } from './context.ts';

/** The maximum to read and discard of a body that is too large, in bytes and in milliseconds. */
const MAX_DISCARDED = 8 * limits.requestBody;
const DISCARDING_MS = 1000;

type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel'>;

/** A reader that keeps `bodyBytes` up to date. */
function counted(reader: ReadableStreamDefaultReader<Uint8Array>, c: Context<AppEnv>): Reader {
	return {
		async read() {
			const chunk = await reader.read();
			c.set('bodyBytes', (c.get('bodyBytes') ?? 0) + (chunk.value?.byteLength ?? 0));
			return chunk;
		},
		cancel: (reason) => reader.cancel(reason),
	};
}

/**
 * Reads the request body. Throws INVALID_JSON when the body breaks off, and PAYLOAD_TOO_LARGE when its announced or actual
 * length exceeds the limit. It then first discards some of the rest, because a client that sends the whole body before it
 * reads would see a reset connection instead of the response.
 */
export async function readBody(c: Context<AppEnv>): Promise<ArrayBuffer> {
	const { body, headers } = c.req.raw;
	if (!body) return new ArrayBuffer(0);
	// The server does not deliver more than the announced length.
	const length = headers.has('Transfer-Encoding') ? null : headers.get('Content-Length');
	if (length !== null && Number(length) <= limits.requestBody) {
		c.set('bodyBytes', Number(length));
		return complete(c.req.raw.arrayBuffer());
	}

	const reader = counted(body.getReader(), c);
	const read = length === null ? await complete(readAtMost(limits.requestBody, reader)) : undefined;
	if (read) return read;
	await Promise.race([discard(reader), pause(DISCARDING_MS)]);
	throw new ApiError('PAYLOAD_TOO_LARGE', `The body exceeds ${limits.requestBody} bytes.`);
}

/** Waits for a read of the body. Throws INVALID_JSON when it fails, because only the body's sender can cause that. */
async function complete<T>(read: Promise<T>): Promise<T> {
	try {
		return await read;
	} catch (cause) {
		throw new ApiError('INVALID_JSON', 'The body ended before it was complete.', { cause });
	}
}

/** Reads to the end. Returns undefined as soon as the body exceeds `most` bytes. */
async function readAtMost(most: number, reader: Reader): Promise<ArrayBuffer | undefined> {
	const chunks: Uint8Array[] = [];
	let size = 0;
	for (;;) {
		const { done, value } = await reader.read();
		if (done) return new Blob(chunks).arrayBuffer();
		size += value.byteLength;
		if (size > most) return undefined;
		chunks.push(value);
	}
}

async function discard(reader: Reader): Promise<void> {
	try {
		for (let size = 0; size < MAX_DISCARDED; ) {
			const { done, value } = await reader.read();
			if (done) return;
			size += value.byteLength;
		}
		await reader.cancel();
	} catch {
		// The client has disconnected: there is nothing left to read.
	}
}
