import {
	type McpRequestContext,
	ProtocolError,
	ProtocolErrorCode,
	ResourceNotFoundError,
	Server,
} from '@modelcontextprotocol/server';
import { VERSION } from '../core/version.ts';
import type { RequestContext } from '../http/context.ts';
import { errorText } from './error-text.ts';
import { promptFor, prompts } from './prompts.ts';
import { completedIds, listResources, readResource, resourceTemplates } from './resources.ts';
import { restFor } from './rest.ts';
import type { Served } from './tool.ts';
import { runTool, toolNamed, toolsFor } from './tools.ts';
import { serve } from './transport.ts';

const INSTRUCTIONS = `A session keeps the state of one product while it is built: its prd, plan, productObject and assemblyState, a status, and a log of events that people and programs follow. Record each step of the work with add_step and an idempotencyKey. Results leave out large objects: ask get_session for the fields that you need.`;

/** The server of the protocol for one request. */
function serverFor(served: Served, { era }: McpRequestContext): Server {
	const server = new Server(
		{ name: 'product-generation-sessions', title: 'Product generation sessions', version: VERSION },
		{
			capabilities: {
				tools: {},
				// An earlier version sends its notices in a stream of a session of its own, which this server does not have.
				resources: era === 'modern' ? { subscribe: true } : {},
				prompts: {},
				completions: {},
			},
			instructions: INSTRUCTIONS,
		},
	);
	server.setRequestHandler('tools/list', () => ({ tools: toolsFor(served.c.get('principal')) }));
	server.setRequestHandler('tools/call', ({ params }) => {
		const tool = toolNamed(params.name);
		if (!tool) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no tool with this name.');
		return runTool(tool, params.arguments ?? {}, served);
	});
	server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates }));
	server.setRequestHandler('resources/list', ({ params }) =>
		answered(served, () => listResources(params?.cursor, served)),
	);
	server.setRequestHandler('resources/read', async ({ params }) => {
		const found = await answered(served, () => readResource(params.uri, served));
		if (!found) throw new ResourceNotFoundError(params.uri);
		return found;
	});
	server.setRequestHandler('prompts/list', () => ({ prompts }));
	server.setRequestHandler('prompts/get', ({ params }) => {
		const found = promptFor(params.name, params.arguments ?? {});
		if (!found) {
			throw new ProtocolError(
				ProtocolErrorCode.InvalidParams,
				'There is no prompt with this name, or it lacks the argument sessionId.',
			);
		}
		return found;
	});
	server.setRequestHandler('completion/complete', async ({ params }) => {
		const isSession = ['id', 'sessionId'].includes(params.argument.name);
		const values = isSession ? await answered(served, () => completedIds(params.argument.value, served)) : [];
		return { completion: { values, total: values.length, hasMore: false } };
	});
	return server;
}

/** Runs a call, and tells its error as an error of the protocol, which has no other place for it. */
async function answered<T>({ c }: Served, call: () => Promise<T>): Promise<T> {
	try {
		return await call();
	} catch (error) {
		throw new ProtocolError(ProtocolErrorCode.InternalError, await errorText(error as Error, c));
	}
}

/** Whether a value is the name of a tool. */
export const isTool = (name: unknown): boolean => typeof name === 'string' && toolNamed(name) !== undefined;

/** Responds to a request of the protocol with this body. */
export function respond(c: RequestContext, body: unknown): Promise<Response> {
	const served: Served = { c, rest: restFor(c) };
	return serve(c, body, (context) => serverFor(served, context));
}
