import { describe, expect, it } from 'vitest';
import { newCaller } from '../support/api.ts';
import { mcpOf } from '../support/mcp.ts';

async function clientOf() {
	const caller = await newCaller();
	return { caller, mcp: mcpOf(caller) };
}

interface Contents {
	contents: { uri: string; mimeType: string; text: string }[];
}

describe('resources', () => {
	it('are the newest sessions, page by page', async () => {
		const { caller, mcp } = await clientOf();
		const made: string[] = [];
		for (let n = 0; n < 52; n += 1) made.unshift(`session://${(await caller.create()).id}`);
		const page = async (cursor?: string) => {
			const { result } = await mcp.request('resources/list', cursor === undefined ? {} : { cursor });
			return result as { resources: { uri: string }[]; nextCursor?: string };
		};
		const first = await page();
		const second = await page(first.nextCursor);
		expect([...first.resources, ...second.resources].map(({ uri }) => uri)).toEqual(made);
		expect(second).not.toHaveProperty('nextCursor');
	});

	it('have templates, whose ids are completed', async () => {
		const { caller, mcp } = await clientOf();
		const { id } = await caller.create();
		const { result } = await mcp.request('resources/templates/list');
		const templates = (result as { resourceTemplates: { uriTemplate: string }[] }).resourceTemplates;
		expect(templates.map(({ uriTemplate }) => uriTemplate)).toEqual([
			'session://{id}',
			'session://{id}/events{?after}',
		]);
		const complete = async (name: string, value: string) =>
			(
				await mcp.request('completion/complete', {
					ref: { type: 'ref/resource', uri: 'session://{id}' },
					argument: { name, value },
				})
			).result;
		expect(await complete('id', id.slice(0, 10))).toMatchObject({ completion: { values: [id] } });
		expect(await complete('id', 'x')).toMatchObject({ completion: { values: [] } });
		expect(await complete('after', '')).toMatchObject({ completion: { values: [] } });
	});

	it('of a session and its events have what get_session and list_events return', async () => {
		const { caller, mcp } = await clientOf();
		const { id } = await caller.create({ prd: { a: 1 } });
		const [first, second] = [await caller.append(id), await caller.append(id)];
		const read = async (uri: string) => {
			const { contents } = (await mcp.request('resources/read', { uri })).result as unknown as Contents;
			expect(contents).toMatchObject([{ uri, mimeType: 'application/json' }]);
			return JSON.parse(contents[0]?.text ?? '');
		};
		expect(await read(`session://${id}`)).toMatchObject({
			etag: '"1"',
			session: { id, prd: { a: 1 } },
			omitted: [],
		});
		expect(await read(`session://${id}/events`)).toEqual({
			events: [first, second],
			hasMore: false,
			nextAfter: second.id,
		});
		expect(await read(`session://${id}/events?after=${first.id}`)).toMatchObject({ events: [second] });
	});

	it('leave out an object that is too large', async () => {
		const { caller, mcp } = await clientOf();
		const { id } = await caller.create({ prd: { text: 'x'.repeat(100_000) } });
		const { contents } = (await mcp.request('resources/read', { uri: `session://${id}` }))
			.result as unknown as Contents;
		expect(JSON.parse(contents[0]?.text ?? '')).toMatchObject({ omitted: [{ pointer: '/prd' }] });
	});

	it('with another URI are not found', async () => {
		const { mcp } = await clientOf();
		for (const uri of [
			'session://sess_x',
			'session://',
			'session://sess_01k2vxq8f3e7ttyyds0t6w2h4b',
			'session://sess_01k2vxq8f3e7ttyyds0t6w2h4b/keys',
			'file:///etc/passwd',
			'not a uri',
		]) {
			expect((await mcp.request('resources/read', { uri })).error, uri).toMatchObject({ code: -32602 });
		}
	});
});

describe('prompts', () => {
	it('ask to continue a generation, and to explain a failure', async () => {
		const { mcp } = await clientOf();
		const { result } = await mcp.request('prompts/list');
		const { prompts } = result as { prompts: { name: string }[] };
		expect(prompts.map(({ name }) => name)).toEqual(['continue_generation', 'explain_failure']);
		for (const { name } of prompts) {
			const got = await mcp.request('prompts/get', {
				name,
				arguments: { sessionId: 'sess_1', instructions: 'Be brief.' },
			});
			expect(JSON.stringify(got.result), name).toContain('the session sess_1');
		}
	});

	it('name only tools that there are', async () => {
		const { mcp } = await clientOf();
		const { tools } = (await mcp.request('tools/list')).result as { tools: { name: string }[] };
		const names = tools.map(({ name }) => name);
		const texts = await Promise.all(
			['continue_generation', 'explain_failure'].map(async (name) =>
				JSON.stringify(await mcp.request('prompts/get', { name, arguments: { sessionId: 'sess_1' } })),
			),
		);
		const named = texts.join().match(/\b[a-z]+_(session|sessions|events|event|step|for_session)\b/g) ?? [];
		expect(named.length).toBeGreaterThan(5);
		expect(named.filter((name) => !names.includes(name))).toEqual([]);
	});

	it('need the id of a session', async () => {
		const { mcp } = await clientOf();
		for (const params of [{ name: 'explain_failure' }, { name: 'nothing', arguments: { sessionId: 'x' } }]) {
			expect((await mcp.request('prompts/get', params)).error).toMatchObject({ code: -32602 });
		}
	});

	it('complete that id', async () => {
		const { caller, mcp } = await clientOf();
		const { id } = await caller.create();
		const { result } = await mcp.request('completion/complete', {
			ref: { type: 'ref/prompt', name: 'explain_failure' },
			argument: { name: 'sessionId', value: '' },
		});
		expect(result).toMatchObject({ completion: { values: [id] } });
	});
});
