import type { Answer, Caller } from './api.ts';

export const MODERN = '2026-07-28';
export const LEGACY = '2025-11-25';

/** A response of the protocol. */
export interface Reply {
	result?: Record<string, unknown>;
	error?: { code: number; message: string; data?: unknown };
}

/** The result of a tool. */
export interface ToolResult<T = Record<string, unknown>> {
	content: { type: 'text'; text: string }[];
	structuredContent: T;
	isError?: true;
}

/** The body and the headers of a request in the newest version, as a client sends them. */
export function requestOf(method: string, params: Record<string, unknown> = {}) {
	const name = params.name ?? params.uri;
	return {
		headers: {
			'Content-Type': 'application/json',
			Accept: 'application/json, text/event-stream',
			'MCP-Protocol-Version': MODERN,
			'Mcp-Method': method,
			...(typeof name === 'string' ? { 'Mcp-Name': name } : {}),
		},
		body: {
			jsonrpc: '2.0',
			id: 1,
			method,
			params: {
				...params,
				_meta: {
					'io.modelcontextprotocol/protocolVersion': MODERN,
					'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
					'io.modelcontextprotocol/clientCapabilities': {},
				},
			},
		},
	};
}

/** The same in the version before, which clients of SDK 1.x speak. */
export const legacyRequestOf = (method: string, params: Record<string, unknown> = {}) => ({
	headers: {
		'Content-Type': 'application/json',
		Accept: 'application/json, text/event-stream',
		'MCP-Protocol-Version': LEGACY,
	},
	body: { jsonrpc: '2.0', id: 1, method, params },
});

/** A caller as a client of the protocol. */
export function mcpOf(caller: Pick<Caller, 'call'>) {
	const send = (method: string, params?: Record<string, unknown>): Promise<Answer<Reply>> =>
		caller.call<Reply>('POST', '/mcp', requestOf(method, params));
	async function request(method: string, params?: Record<string, unknown>): Promise<Reply> {
		const { status, text, json } = await send(method, params);
		if (status !== 200) throw new Error(`${status}: ${text}`);
		return json;
	}
	async function tool<T = Record<string, unknown>>(name: string, args: Record<string, unknown> = {}) {
		const { result, error } = await request('tools/call', { name, arguments: args });
		if (!result) throw new Error(JSON.stringify(error));
		return result as unknown as ToolResult<T>;
	}
	/** Runs a tool that must succeed, and returns its structured content. */
	async function content<T = Record<string, unknown>>(name: string, args?: Record<string, unknown>) {
		const result = await tool<T>(name, args);
		if (result.isError) throw new Error(result.content[0]?.text);
		return result.structuredContent;
	}
	/** Runs a tool that must fail, and returns its text. */
	async function failure(name: string, args?: Record<string, unknown>): Promise<string> {
		const result = await tool(name, args);
		if (!result.isError) throw new Error(`${name} succeeded`);
		return result.content.map(({ text }) => text).join('\n');
	}
	return { send, request, tool, content, failure };
}

/** The names of all tools, in the order of their list. */
export const TOOLS = [
	'list_sessions',
	'get_session',
	'create_session',
	'update_session',
	'list_events',
	'append_event',
	'add_step',
	'wait_for_session',
	'list_versions',
	'fork_session',
];
