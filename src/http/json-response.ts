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

/** Characters of a chunk, at least: small parts go out together. */
const CHUNK = 65_536;

/**
 * A response that is sent while it is made, from parts of JSON text. The next part is asked for only when the client has
 * taken what was sent before it. A part that fails breaks the connection off, so that the client sees an error and not an
 * end; the failure is logged.
 */
export function jsonStream<T>(
	c: Context<AppEnv>,
	parts: AsyncIterator<string, void, undefined>,
	headers: Record<string, string> = {},
): JsonResponse<T, 200> {
	const init = { status: 200, headers: { ...CONTENT_TYPE, ...headers } };
	// Hono sends the headers of the GET, and would leave its stream unread.
	if (c.req.method === 'HEAD') return new Response(null, init) as JsonResponse<T, 200>;
	const encoder = new TextEncoder();
	const { promise: bodyEnd, resolve: end } = Promise.withResolvers<void>();
	c.set('bodyEnd', bodyEnd);
	const body = new ReadableStream<Uint8Array>(
		{
			async pull(controller) {
				try {
					let text = '';
					let isDone = false;
					while (text.length < CHUNK && !isDone) {
						const { done, value } = await parts.next();
						if (value !== undefined) text += value;
						isDone = done === true;
					}
					if (text !== '') controller.enqueue(encoder.encode(text));
					if (!isDone) return;
					controller.close();
				} catch (error) {
					log('error', {
						message: 'A response was broken off.',
						requestId: c.get('requestId'),
						...errorFields(error),
					});
					controller.error(error);
				}
				end();
			},
			async cancel() {
				await parts.return?.();
				end();
			},
		},
		{ highWaterMark: 0 },
	);
	return new Response(body, init) as JsonResponse<T, 200>;
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
