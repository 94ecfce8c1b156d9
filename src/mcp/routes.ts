import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { authenticate, METADATA_PATH } from '../auth/authenticate.ts';
import { ApiError } from '../core/errors.ts';
import { settingsOf } from '../core/settings.ts';
import type { AppEnv, RequestContext } from '../http/context.ts';
import { jsonResponse } from '../http/json-response.ts';
import { readBody } from '../http/read-body.ts';
import { answerInTurn, isUsual } from './large-messages.ts';

const PATH = '/mcp';

const isLoopback = (url: string): boolean =>
	URL.canParse(url) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);

/**
 * Rejects pages whose origin CORS_ORIGINS does not name. The protocol asks for it, because the name of a hostile page can be
 * made to lead to a server on the user's own machine (DNS rebinding). Pages of the machine itself may call a server there.
 * Programs send no origin.
 */
const checkOrigin = createMiddleware<AppEnv>(async (c, next) => {
	const origin = c.req.header('Origin');
	if (origin !== undefined) {
		const allowed = settingsOf(c.env).CORS_ORIGINS;
		const isLocal = isLoopback(origin) && isLoopback(c.req.url);
		if (!isLocal && !allowed.includes(origin) && !allowed.includes('*')) {
			throw new ApiError(
				'FORBIDDEN',
				'Pages of this origin may not call this server. CORS_ORIGINS names those that may.',
			);
		}
	}
	return next();
});

const resourceOf = (c: RequestContext): string => `${new URL(c.req.url).origin}${PATH}`;

const setResource = createMiddleware<AppEnv>((c, next) => {
	c.set('resource', resourceOf(c));
	return next();
});

/** What OAuth clients read about this server (RFC 9728). NOT_FOUND without an issuer of tokens. */
function metadata(c: RequestContext): Response {
	const { CLERK_ISSUER } = settingsOf(c.env);
	if (CLERK_ISSUER === '')
		throw new ApiError('NOT_FOUND', 'No issuer of tokens is configured. Use an API key.');
	return jsonResponse(
		JSON.stringify({
			resource: resourceOf(c),
			authorization_servers: [CLERK_ISSUER],
			bearer_methods_supported: ['header'],
			resource_name: 'Product generation sessions',
			resource_documentation: new URL('/docs', c.req.url).href,
		}),
		200,
		// It has no secret, and clients in browsers read it before they have a token.
		{ 'Access-Control-Allow-Origin': '*' },
	);
}

/** The names that go into the log. A client's own words do not. */
const METHODS = [
	'initialize',
	'server/discover',
	'ping',
	'tools/list',
	'tools/call',
	'resources/list',
	'resources/templates/list',
	'resources/read',
	'prompts/list',
	'prompts/get',
	'completion/complete',
	'subscriptions/listen',
];

/** A response to a body that is no request of the protocol. */
const notRequest = (code: -32700 | -32600, message: string): Response =>
	jsonResponse(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }), 400);

/** What handles the requests of the protocol. */
interface McpServing {
	respond(c: RequestContext, body: unknown): Promise<Response>;
	/** Whether a value is the name of a tool. */
	isTool(name: unknown): boolean;
}

/**
 * The Model Context Protocol, and the metadata for its clients. `load` is called with each request, so that other requests
 * do not pay for the protocol's library.
 */
export const mcpRoutesWith = (load: () => Promise<McpServing>) =>
	new Hono<AppEnv>({ strict: false })
		.get(METADATA_PATH, metadata)
		.get(`${METADATA_PATH}${PATH}`, metadata)
		.post(PATH, checkOrigin, setResource, authenticate, async (c) => {
			const bytes = await readBody(c);
			return answerInTurn(c.get('principal'), bytes.byteLength, () => answer(c, bytes, load));
		});

/** Answers the message in a body. */
async function answer(
	c: RequestContext,
	bytes: ArrayBuffer,
	load: () => Promise<McpServing>,
): Promise<Response> {
	let body: unknown;
	try {
		body = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
	} catch {
		return notRequest(-32700, 'The body is not JSON in UTF-8.');
	}
	// A batch would count as one request, whatever it contains. No current version of the protocol has batches.
	if (Array.isArray(body)) return notRequest(-32600, 'Send one message at a time.');
	if (!isUsual(body)) {
		return notRequest(-32600, 'The message has too many members. Only an argument of a tool may have many.');
	}
	const { method, params } = (body ?? {}) as { method?: unknown; params?: { name?: unknown } | null };
	if (typeof method === 'string' && METHODS.includes(method)) c.set('call', method);
	const { respond, isTool } = await load();
	if (method === 'tools/call' && isTool(params?.name)) c.set('call', String(params?.name));
	return respond(c, body);
}

export const mcpRoutes = mcpRoutesWith(() => import('./server.ts'));
