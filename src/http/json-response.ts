import type { TypedResponse } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** A response with a JSON text as its body. `T` is the type of the parsed text, for clients that infer it. */
export function jsonResponse<T, S extends ContentfulStatusCode>(
	text: string,
	status: S,
	headers: Record<string, string> = {},
): Response & TypedResponse<T, S, 'json'> {
	const answer = new Response(text, {
		status,
		headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
	});
	return answer as Response & TypedResponse<T, S, 'json'>;
}
