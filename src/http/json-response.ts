import type { Context, TypedResponse } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { errorFields, log } from '../core/log.ts';
import type { AppEnv } from './context.ts';

type JsonResponse<T, S extends ContentfulStatusCode> = Response & TypedResponse<T, S, 'json'>;

const CONTENT_TYPE = { 'Content-Type': 'application/json; charset=utf-8' };

/** A response from JSON text, with the type of the JSON's value, for `hono/client`. */
export function jsonResponse<T, S extends ContentfulStatusCode>(
	text: string,
	status: S,
	headers: Record<string, string> = {},
): JsonResponse<T, S> {
	return new Response(text, { status, headers: { ...CONTENT_TYPE, ...headers } }) as JsonResponse<T, S>;
}

/** A part of JSON: text, or its UTF-8. */
type JsonPart = string | Uint8Array;

/** Bytes of a chunk. Small parts share a chunk, and large ones take several. */
const CHUNK = 65_536;

/**
 * A response that streams parts of JSON text. It asks for the next part only when the client has read the earlier ones:
 * a write to an IdentityTransformStream settles then. A part that fails breaks the connection, because the client must
 * see an error instead of an end. The failure is logged.
 */
export function jsonStream<T>(
	c: Context<AppEnv>,
	parts: AsyncIterable<JsonPart>,
	headers: Record<string, string> = {},
): JsonResponse<T, 200> {
	const init = { status: 200, headers: { ...CONTENT_TYPE, ...headers } };
	// For HEAD, Hono sends the headers of the GET and would leave its stream unread.
	if (c.req.method === 'HEAD') return new Response(null, init) as JsonResponse<T, 200>;
	const { readable, writable } = new IdentityTransformStream();
	const bodyEnd = send(c, parts, writable);
	c.set('bodyEnd', bodyEnd);
	// When the client leaves, the request would be over before its cost is counted and logged.
	c.executionCtx.waitUntil(bodyEnd);
	return new Response(readable, init) as JsonResponse<T, 200>;
}

/**
 * Sends the parts, and resolves when the body has ended. It never throws: the client learns of a failure by the broken
 * connection.
 */
async function send(
	c: Context<AppEnv>,
	parts: AsyncIterable<JsonPart>,
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

/**
 * The parts as UTF-8, in chunks of CHUNK bytes. All chunks share one buffer: each is valid only until the next is
 * requested.
 */
async function* chunksOf(parts: AsyncIterable<JsonPart>): AsyncGenerator<Uint8Array, void, undefined> {
	const buffer = new Uint8Array(CHUNK);
	let filled = 0;
	for await (const part of parts) {
		let rest = part;
		while (rest.length > 0) {
			const { read, written } = put(rest, buffer.subarray(filled));
			filled += written;
			rest = typeof rest === 'string' ? rest.slice(read) : rest.subarray(read);
			// A character that does not fit goes into the next chunk.
			if (rest.length > 0) {
				yield buffer.subarray(0, filled);
				filled = 0;
			}
		}
	}
	yield buffer.subarray(0, filled);
}

const encoder = new TextEncoder();

/** Puts as much of a part into the space as fits. Returns how much was read of the part, and how many bytes that made. */
function put(part: JsonPart, space: Uint8Array): { read: number; written: number } {
	if (typeof part === 'string') return encoder.encodeInto(part, space);
	const bytes = part.subarray(0, space.length);
	space.set(bytes);
	return { read: bytes.length, written: bytes.length };
}

/** Parts of JSON text with a prefix and a suffix. */
export async function* enclosed(
	before: string,
	parts: AsyncIterable<JsonPart>,
	after: string,
): AsyncGenerator<JsonPart, void, undefined> {
	yield before;
	yield* parts;
	yield after;
}
