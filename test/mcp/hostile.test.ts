import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { pause } from '../../src/core/pause.ts';
import { runs } from '../model/runs.ts';
import { newCaller } from '../support/api.ts';
import { serviceWith } from '../support/faulty-d1.ts';
import { legacyRequestOf, mcpOf, requestOf, TOOLS } from '../support/mcp.ts';
import { silentD1 } from '../support/silent-d1.ts';
import { until } from '../support/until.ts';

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
			runs(200),
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
			runs(200),
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

	const many = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`member${n}`, n]));
	it.each([
		['in the metadata', 'ping', { _meta: many }],
		['in the arguments of a tool', 'tools/call', { name: 'get_session', arguments: many }],
		['in the capabilities of a client', 'initialize', { capabilities: { experimental: many } }],
		['in a list', 'completion/complete', { context: Object.values(many) }],
	])('with many members %s is refused before the library looks at it', async (_, method, params) => {
		const caller = await newCaller();
		const { headers, body } = legacyRequestOf(method, params);
		const { status, json, text } = await caller.call('POST', '/mcp', { headers, body });
		expect([status, json]).toMatchObject([400, { error: { code: -32600 } }]);
		expect(text.length).toBeLessThan(300);
	});

	it('with many members in one argument of a tool is a usual message', async () => {
		const mcp = mcpOf(await newCaller());
		const { session } = await mcp.content<{ session: { id: string } }>('create_session');
		const updated = await mcp.tool('update_session', { sessionId: session.id, plan: many });
		expect(updated.isError).toBeUndefined();
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

describe('large messages of one caller', () => {
	it('take turns until they are answered, and small ones do not wait for them', async () => {
		const silent = silentD1();
		const caller = await newCaller({ fetcher: serviceWith({ DB: silent.d1 }) });
		const mcp = mcpOf(caller);
		const { id } = await caller.create();
		const events = [{ type: 'note', payload: { text: 'x'.repeat(40_000) } }];
		const step = () => mcp.tool('add_step', { sessionId: id, events: [...events, ...events] });
		silent.silence = 'keeps them';
		silent.sessions.length = 0;
		const steps = [step(), step(), step()];
		await until(() => expect(silent.sessions.length).toBe(1));
		expect(await mcp.request('tools/list')).toHaveProperty('result');
		await pause(50);
		expect(silent.sessions.length).toBe(1);
		await silent.speak();
		for (const { isError } of await Promise.all(steps)) expect(isError).toBeUndefined();
	});
});
