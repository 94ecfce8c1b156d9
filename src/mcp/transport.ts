import {
	createMcpHandler,
	type McpHttpHandler,
	type McpServerFactory,
	ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import { log } from '../core/log.ts';
import { settingsOf } from '../core/settings.ts';
import { EVENT_STREAM } from '../following/frames.ts';
import type { RequestContext } from '../http/context.ts';
import { jsonResponse } from '../http/json-response.ts';
import { isObject } from '../json/schema.ts';
import { errorText } from './error-text.ts';
import { type Subscriptions, subscriptionsTo } from './subscriptions.ts';

/**
 * Responds to a request of the protocol with this body. `serverFor` makes the server that handles it. Nothing is kept for a
 * later request.
 */
export async function serve(
	c: RequestContext,
	body: unknown,
	serverFor: McpServerFactory,
): Promise<Response> {
	let handler: McpHttpHandler | undefined;
	let subscriptions: Subscriptions;
	try {
		subscriptions = await subscriptionsTo(c, subscribedUris(body), () => void handler?.close());
	} catch (error) {
		const message = await errorText(error as Error, c);
		const { id } = body as { id?: unknown };
		const rejection = { jsonrpc: '2.0', id, error: { code: ProtocolErrorCode.InvalidParams, message } };
		return jsonResponse(JSON.stringify(rejection), 200);
	}
	handler = createMcpHandler(serverFor, {
		bus: subscriptions.bus,
		keepAliveMs: settingsOf(c.env).FOLLOW_HEARTBEAT_SECONDS * 1000,
		// The message of such an error can quote what the client sent.
		onerror: ({ name }) =>
			log('warn', { message: 'MCP request rejected', requestId: c.get('requestId'), name }),
	});
	const response = await handler.fetch(c.req.raw, { parsedBody: body });
	subscriptions.endIfUnused();
	if (response.headers.get('Content-Type') !== EVENT_STREAM) return response;
	const stream = new Response(endingWithCost(c, response.body), response);
	stream.headers.set('Cache-Control', 'no-store, no-transform');
	return stream;
}

/**
 * Passes on the body of a response that begins before its tool runs, so that the cost of the tool counts. The stream of subscriptions
 * has an end of its own.
 */
function endingWithCost(c: RequestContext, body: Response['body']): Response['body'] {
	if (!body || c.get('streamEnd')) return body;
	const { readable, writable } = new IdentityTransformStream();
	// It fails when the client has left.
	const bodyEnd = body.pipeTo(writable).catch(() => {});
	c.set('bodyEnd', bodyEnd);
	c.executionCtx.waitUntil(bodyEnd);
	return readable;
}

/** The resources that a request subscribes to. A request that is not valid is left to the library. */
function subscribedUris(body: unknown): string[] {
	if (!isObject(body) || body.method !== 'subscriptions/listen' || !isObject(body.params)) return [];
	const { notifications } = body.params;
	const uris = isObject(notifications) ? notifications.resourceSubscriptions : undefined;
	return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : [];
}
