import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { newCaller } from '../support/api.ts';
import { legacyRequestOf, mcpOf, requestOf } from '../support/mcp.ts';

const TOOLS = [
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
const METHODS = [
	'initialize',
	'server/discover',
	'ping',
	'tools/list',
	'tools/call',
	'resources/list',
	'resources/read',
	'resources/templates/list',
	'resources/subscribe',
	'prompts/list',
	'prompts/get',
	'completion/complete',
	'subscriptions/listen',
	'logging/setLevel',
	'notifications/initialized',
	'notifications/cancelled',
];

/** An object or array in so many others. */
const nested = (levels: number, open: string, close: string): string =>
	`${open.repeat(levels)}${close.repeat(levels)}`;

describe('whatever a client sends', () => {
	it('as a message is no fault of the service', async () => {
		const caller = await newCaller();
		const errors = vi.spyOn(console, 'error');
		await fc.assert(
			fc.asyncProperty(
				fc.constantFrom(...METHODS),
				fc.oneof(
					fc.jsonValue(),
					fc.dictionary(
						fc.constantFrom('name', 'uri', 'ref', 'argument', 'cursor', 'notifications'),
						fc.jsonValue(),
					),
				),
				fc.boolean(),
				async (method, params, isModern) => {
					const request = isModern ? requestOf(method) : legacyRequestOf(method);
					const { _meta } = request.body.params as { _meta?: object };
					const body = {
						...request.body,
						params:
							typeof params === 'object' && params !== null && !Array.isArray(params)
								? { ...params, _meta }
								: params,
					};
					const { status } = await caller.call('POST', '/mcp', { headers: request.headers, body });
					expect(status).toBeLessThan(500);
				},
			),
			{ numRuns: 200 },
		);
		expect(errors).not.toHaveBeenCalled();
	});

	it('as the arguments of a tool is an error of the tool', async () => {
		const caller = await newCaller();
		const mcp = mcpOf(caller);
		const { id } = await caller.create();
		const names = [
			'sessionId',
			'fields',
			'pointer',
			'offset',
			'after',
			'limit',
			'status',
			'type',
			'payload',
			'events',
			'patch',
			'prd',
			'plan',
			'ifMatch',
			'idempotencyKey',
			'statuses',
			'version',
			'before',
			'eventType',
		];
		await fc.assert(
			fc.asyncProperty(
				fc.constantFrom(...TOOLS),
				fc.dictionary(fc.constantFrom(...names), fc.jsonValue()),
				fc.boolean(),
				async (name, args, isOwn) => {
					const all = {
						...args,
						...(isOwn ? { sessionId: id } : {}),
						...(name === 'wait_for_session' ? { timeoutSeconds: 1, statuses: ['intake'] } : {}),
					};
					const { isError, content } = await mcp.tool(name, all);
					if (isError) expect(content[0]?.text).not.toContain('INTERNAL_ERROR');
				},
			),
			{ numRuns: 200 },
		);
	});

	it('in many levels is refused, wherever it is', async () => {
		const caller = await newCaller();
		const { headers, body } = requestOf('tools/call', { name: 'create_session', arguments: { prd: 'HERE' } });
		const text = JSON.stringify(body);
		for (const deep of [
			nested(101, '{"a":', '}').replace('}', '1}'),
			nested(1_000_000, '[', ']'),
			`{"a":${nested(1_000_000, '[', ']')}}`,
			nested(340_000, '{"a":', '}').replace('}', '1}'),
		]) {
			const answer = await caller.call<{ result?: { isError?: boolean } }>('POST', '/mcp', {
				headers,
				raw: text.replace('"HERE"', deep),
			});
			expect(answer.status).toBeLessThan(500);
			expect(answer.text).not.toContain('INTERNAL_ERROR');
			expect(answer.json.result?.isError ?? true).toBe(true);
			const whole = await caller.call('POST', '/mcp', { headers, raw: deep });
			expect(whole.status).toBe(400);
		}
	});

	it('with a pointer into an object reads nothing but what is there', async () => {
		const caller = await newCaller();
		const mcp = mcpOf(caller);
		const { id } = await caller.create({ prd: { list: [1], text: 'abc' } });
		for (const pointer of [
			'/prd/constructor',
			'/prd/__proto__',
			'/prd/list/length',
			'/prd/text/0',
			'/prd/list/-',
			'/prd/list/1',
			'/events',
			'/constructor',
		]) {
			expect(await mcp.failure('get_session', { sessionId: id, pointer }), pointer).toMatch(
				/^VALIDATION_ERROR/,
			);
		}
	});
});
