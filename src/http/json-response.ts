import type { Context, TypedResponse } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { errorFields, log } from '../core/log.ts';
import type { AppEnv } from './context.ts';

type JsonResponse<T, S extends ContentfulStatusCode> = Response & TypedResponse<T, S, 'json'>;

const CONTENT_TYPE = { 'Content-Type': 'application/json; charset=utf-8' };

/** A response made from JSON text, typed as what the text holds, so that `hono/client` knows it. */
export function jsonResponse<T, S extends ContentfulStatusCode>(
	text: string,
	status: S,
	headers: Record<string, string> = {},
): JsonResponse<T, S> {
	return new Response(text, { status, headers: { ...CONTENT_TYPE, ...headers } }) as JsonResponse<T, S>;
}

/** Bytes of a chunk. Small parts go out together, large ones in several chunks. */
const CHUNK = 65_536;

/**
 * A response that is sent while it is made, from parts of JSON text. The next part is asked for only when the client has
 * taken what was sent before it: a write to an IdentityTransformStream settles then. A part that fails breaks the connection
 * off, so that the client sees an error and not an end; the failure is logged.
 */
export function jsonStream<T>(
	c: Context<AppEnv>,
	parts: AsyncIterable<string>,
	headers: Record<string, string> = {},
): JsonResponse<T, 200> {
	const init = { status: 200, headers: { ...CONTENT_TYPE, ...headers } };
	// Hono sends the headers of the GET, and would leave its stream unread.
	if (c.req.method === 'HEAD') return new Response(null, init) as JsonResponse<T, 200>;
	const { readable, writable } = new IdentityTransformStream();
	c.set('bodyEnd', send(c, parts, writable));
	return new Response(readable, init) as JsonResponse<T, 200>;
}

/** Sends the parts, and settles when the body has ended. It never throws: the connection tells the client how it ended. */
async function send(
	c: Context<AppEnv>,
	parts: AsyncIterable<string>,
	writable: WritableStream<Uint8Array>,
): Promise<void> {
	const writer = writable.getWriter();
	let hasClientLeft = false;
	writer.closed.catch(() => {
		hasClientLeft = true;
	});
	try {
		for await (const bytes of chunksOf(parts)) await writer.write(bytes);
		await writer.close();
	} catch (error) {
		if (hasClientLeft) return;
		log('error', {
			message: 'A response was broken off.',
			requestId: c.get('requestId'),
			...errorFields(error),
		});
		await writer.abort(error);
	}
}

/** The parts as UTF-8, in chunks of CHUNK bytes. All of them are one buffer: each is valid until the next is asked for. */
async function* chunksOf(parts: AsyncIterable<string>): AsyncGenerator<Uint8Array, void, undefined> {
	const encoder = new TextEncoder();
	const buffer = new Uint8Array(CHUNK);
	let filled = 0;
	for await (const part of parts) {
		let rest = part;
		while (rest !== '') {
			const { read, written } = encoder.encodeInto(rest, buffer.subarray(filled));
			filled += written;
			rest = rest.slice(read);
			// A character that does not fit any more begins the next chunk.
			if (rest !== '') {
				yield buffer.subarray(0, filled);
				filled = 0;
			}
		}
	}
	yield buffer.subarray(0, filled);
}

/** Parts of JSON text with more before and after them. */
export async function* enclosed(
	before: string,
	parts: AsyncIterable<string>,
	after: string,
): AsyncGenerator<string, void, undefined> {
	yield before;
	yield* parts;
	yield after;
}
