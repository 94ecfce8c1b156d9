import { Validator } from '@cfworker/json-schema';
import { describe, expect, it } from 'vitest';
import { type Caller, newCaller, SESSIONS } from '../support/api.ts';
import { mcpOf, TOOLS } from '../support/mcp.ts';

interface Written {
	etag: string;
	session: { id: string; status: string; productObjectHash: string | null };
	events: { id: string; type: string }[];
}

interface ListedTool {
	name: string;
	title: string;
	description: string;
	inputSchema: { properties: object };
	outputSchema: object;
	annotations: Record<string, boolean>;
}

async function clientOf(caller?: Caller) {
	const own = caller ?? (await newCaller());
	return { caller: own, mcp: mcpOf(own) };
}

const listed = async (mcp: ReturnType<typeof mcpOf>) =>
	(await mcp.request('tools/list')).result?.tools as ListedTool[];

describe('the list of tools', () => {
	it('has a schema without references for the input and the output of each, and says what it does', async () => {
		const { mcp } = await clientOf();
		const tools = await listed(mcp);
		expect(tools.map(({ name }) => name)).toEqual(TOOLS);
		for (const tool of tools) {
			expect(tool.title, tool.name).not.toBe('');
			expect(tool.description.length, tool.name).toBeGreaterThan(60);
			expect(tool.inputSchema, tool.name).toMatchObject({ type: 'object', additionalProperties: false });
			expect(tool.outputSchema, tool.name).toMatchObject({ type: 'object' });
			expect(JSON.stringify(tool), tool.name).not.toContain('$ref');
		}
	});

	it('tells tools that only read from those that write, and those that may overwrite', async () => {
		const { mcp } = await clientOf();
		const hints = Object.fromEntries((await listed(mcp)).map(({ name, annotations }) => [name, annotations]));
		const reads = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };
		for (const name of ['list_sessions', 'get_session', 'list_events', 'wait_for_session', 'list_versions']) {
			expect(hints[name], name).toEqual(reads);
		}
		expect(hints.create_session).toMatchObject({ readOnlyHint: false, destructiveHint: false });
		expect(hints.append_event).toMatchObject({ readOnlyHint: false, destructiveHint: false });
		expect(hints.update_session).toMatchObject({ destructiveHint: true, idempotentHint: true });
		expect(hints.add_step).toMatchObject({ destructiveHint: true, idempotentHint: false });
	});

	it('has at most 30,000 characters, because clients give all of it to the language model', async () => {
		const { mcp } = await clientOf();
		expect(JSON.stringify(await listed(mcp)).length).toBeLessThan(30_000);
	});
});

describe('the results of tools', () => {
	it('fit their output schemas, and have the same as text', async () => {
		const { mcp } = await clientOf();
		const tools = await listed(mcp);
		const made = await mcp.content<Written>('create_session', { prd: { title: 'x' } });
		const sessionId = made.session.id;
		const calls: Record<string, Record<string, unknown>> = {
			create_session: { catalogVersion: 'v1' },
			list_sessions: {},
			get_session: { sessionId, fields: ['prd', 'status'] },
			update_session: { sessionId, plan: { a: 1 } },
			append_event: { sessionId, type: 'note', payload: { n: 1 } },
			add_step: { sessionId, events: [{ type: 'step' }], patch: { status: 'generating' } },
			list_events: { sessionId },
			wait_for_session: { sessionId, statuses: ['generating'] },
			list_versions: { sessionId },
			fork_session: { sessionId },
		};
		for (const { name, outputSchema } of tools) {
			const { content, structuredContent, isError } = await mcp.tool(name, calls[name]);
			expect(isError, `${name}: ${content[0]?.text}`).toBeUndefined();
			const { errors } = new Validator(outputSchema, '2020-12', false).validate(structuredContent);
			expect(errors, name).toEqual([]);
			expect(JSON.parse(content[0]?.text ?? ''), name).toEqual(structuredContent);
		}
	});
});

describe('a product', () => {
	it('is built with the tools alone, and is what the REST API returns', async () => {
		const { caller, mcp } = await clientOf();
		const { session } = await mcp.content<Written>('create_session', { prd: { goal: 'a shop' } });
		await mcp.content('add_step', {
			sessionId: session.id,
			events: [{ type: 'plan.ready', message: 'Two steps.', payload: { steps: 2 } }],
			patch: { status: 'generating', plan: { steps: ['a', 'b'] } },
		});
		await mcp.content('update_session', {
			sessionId: session.id,
			productObject: { name: 'x' },
			prd: { goal: null },
		});
		await mcp.content('append_event', { sessionId: session.id, type: 'done' });
		expect(await caller.details(session.id)).toMatchObject({
			status: 'generating',
			prd: {},
			plan: { steps: ['a', 'b'] },
			productObject: { name: 'x' },
			productObjectHash: expect.stringMatching(/^[0-9a-f]{64}$/),
			events: [{ type: 'plan.ready', payload: { steps: 2 }, message: 'Two steps.' }, { type: 'done' }],
		});
	});

	it('keeps members of any name', async () => {
		const { caller, mcp } = await clientOf();
		const prd = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}');
		const { session } = await mcp.content<Written>('create_session', { prd });
		const { text } = await caller.call('GET', `${SESSIONS}/${session.id}?fields=prd`);
		expect(text).toBe('{"prd":{"__proto__":{"a":1},"constructor":2}}');
	});
});

describe('idempotencyKey', () => {
	it('makes a repeated create, append and step return what the first one made', async () => {
		const { caller, mcp } = await clientOf();
		const create = () => mcp.content<Written>('create_session', { prd: { a: 1 }, idempotencyKey: 'k' });
		const [first, again] = [await create(), await create()];
		expect(again).toEqual(first);
		const { id } = first.session;
		const append = () => mcp.content('append_event', { sessionId: id, type: 'a', idempotencyKey: 'k' });
		expect(await append()).toEqual(await append());
		const step = () =>
			mcp.content('add_step', {
				sessionId: id,
				events: [{ type: 'b' }],
				patch: { plan: {} },
				idempotencyKey: 's',
			});
		expect(await step()).toEqual(await step());
		expect((await caller.details(id)).events.map(({ type }) => type)).toEqual(['a', 'b']);
	});

	it('with other content is an error that says to use another key', async () => {
		const { mcp } = await clientOf();
		await mcp.content('create_session', { idempotencyKey: 'k' });
		const text = await mcp.failure('create_session', { idempotencyKey: 'k', catalogVersion: '2' });
		expect(text).toMatch(/^IDEMPOTENCY_KEY_REUSED: This idempotencyKey was already used/);
		expect(text).toContain('another idempotencyKey');
	});

	it('that cannot be a header is refused', async () => {
		const { mcp } = await clientOf();
		for (const idempotencyKey of ['a\r\nX-Evil: 1', 'é', '', 'a b']) {
			expect(await mcp.failure('create_session', { idempotencyKey })).toMatch(/idempotencyKey/);
		}
	});
});

describe('errors of tools', () => {
	it('name each argument that is wrong, and what would be right', async () => {
		const { mcp } = await clientOf();
		const { session } = await mcp.content<Written>('create_session');
		const text = await mcp.failure('update_session', { sessionId: session.id, status: 'done', plan: 3 });
		expect(text).toContain('VALIDATION_ERROR');
		expect(text).toContain('- status: is not one of the allowed values. Use one of intake, generating');
		expect(text).toContain('- plan: must be an object.');
	});

	it('name an argument that the tool does not have', async () => {
		const { mcp } = await clientOf();
		const text = await mcp.failure('create_session', { PRD: {} });
		expect(text).toContain('- PRD: is not an argument of this tool. Use some of');
	});

	it('say where to look for a session that is not there, and not whether another caller has it', async () => {
		const { mcp } = await clientOf();
		const other = await newCaller();
		const { id } = await other.create();
		const foreign = await mcp.failure('get_session', { sessionId: id });
		const missing = await mcp.failure('get_session', {
			sessionId: `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`,
		});
		expect(foreign).toBe(missing);
		expect(foreign).toContain('list_sessions');
	});

	it('say to read again when somebody else has changed the session', async () => {
		const { mcp } = await clientOf();
		const { session, etag } = await mcp.content<Written>('create_session');
		await mcp.content('update_session', { sessionId: session.id, plan: {}, ifMatch: etag });
		for (const [name, args] of [
			['update_session', { plan: { a: 1 } }],
			['add_step', { events: [{ type: 'a' }] }],
		] as const) {
			const text = await mcp.failure(name, { sessionId: session.id, ifMatch: etag, ...args });
			expect(text, name).toMatch(/^PRECONDITION_FAILED.*\n.*get_session/s);
		}
	});

	it('for an object that is too large say so', async () => {
		const { mcp } = await clientOf();
		expect(await mcp.failure('create_session', { prd: { text: 'x'.repeat(400_000) } })).toMatch(
			/^PAYLOAD_TOO_LARGE/,
		);
	});

	it('treat null as an argument that was left out', async () => {
		const { mcp } = await clientOf();
		await mcp.content('list_sessions', { status: null, after: null, limit: null });
	});
});

describe('list_sessions', () => {
	it('pages through the sessions of the caller, newest first', async () => {
		const { caller, mcp } = await clientOf();
		const made: string[] = [];
		for (let n = 0; n < 5; n += 1) made.unshift((await caller.create()).id);
		await caller.call('PATCH', `${SESSIONS}/${made[1]}`, { body: { status: 'failed' } });
		const found: string[] = [];
		let after: string | undefined;
		do {
			const page = await mcp.content<{ sessions: { id: string }[]; nextAfter?: string }>('list_sessions', {
				limit: 2,
				...(after ? { after } : {}),
			});
			found.push(...page.sessions.map(({ id }) => id));
			after = page.nextAfter;
		} while (after !== undefined);
		expect(found).toEqual(made);
		expect(await mcp.content('list_sessions', { status: 'failed' })).toMatchObject({
			sessions: [{ id: made[1] }],
		});
	});

	it('leaves out the large objects', async () => {
		const { caller, mcp } = await clientOf();
		await caller.create({ prd: { secret: 'x' } });
		expect(JSON.stringify(await mcp.content('list_sessions'))).not.toContain('prd');
	});
});

describe('get_session', () => {
	it('reads only the fields that were asked for', async () => {
		const { caller, mcp } = await clientOf();
		const { id } = await caller.create({ prd: { a: 1 } });
		const whole = await mcp.content<{ session: object }>('get_session', { sessionId: id });
		expect(Object.keys(whole.session)).not.toContain('prd');
		expect(await mcp.content('get_session', { sessionId: id, fields: ['prd', 'status'] })).toEqual({
			etag: '"1"',
			session: { prd: { a: 1 }, status: 'intake' },
			omitted: [],
		});
	});

	it('leaves out what is too large, and reads it part by part', async () => {
		const { caller, mcp } = await clientOf();
		const pages = Array.from({ length: 20 }, (_, n) => ({ n, text: 'x'.repeat(10_000) }));
		const { id } = await caller.create({ prd: { 'a/b~c': { pages }, long: 'y'.repeat(60_000), small: 1 } });
		const part = (args: object) =>
			mcp.content<{
				value?: unknown;
				nextOffset?: number;
				omitted: { pointer: string; characters: number }[];
			}>('get_session', { sessionId: id, ...args });
		expect((await part({ fields: ['status', 'prd'] })).omitted).toMatchObject([
			{ pointer: '/prd', type: 'object' },
		]);
		const outline = await part({ pointer: '/prd' });
		expect(outline).not.toHaveProperty('value');
		expect(outline.omitted.map(({ pointer }) => pointer)).toEqual([
			'/prd/a~1b~0c',
			'/prd/long',
			'/prd/small',
		]);
		const list = await part({ pointer: '/prd/a~1b~0c/pages' });
		expect(list.omitted).toHaveLength(20);
		expect((await part({ pointer: '/prd/a~1b~0c/pages/7' })).value).toEqual(pages[7]);
		const begin = await part({ pointer: '/prd/long' });
		const rest = await part({ pointer: '/prd/long', offset: begin.nextOffset ?? 0 });
		expect(`${begin.value}${rest.value}`).toBe('y'.repeat(60_000));
		expect(rest).not.toHaveProperty('nextOffset');
	});

	it('says which part exists when a pointer names nothing', async () => {
		const { caller, mcp } = await clientOf();
		const { id } = await caller.create({ prd: { a: 1 } });
		expect(await mcp.failure('get_session', { sessionId: id, pointer: '/prd/b' })).toContain('Read /prd.');
		expect(await mcp.failure('get_session', { sessionId: id, pointer: '/nothing' })).toContain('Read one of');
	});
});

describe('list_events', () => {
	it('pages through the events, oldest first, within the size of a result', async () => {
		const { caller, mcp } = await clientOf();
		const { id } = await caller.create();
		for (let n = 0; n < 8; n += 1)
			await caller.append(id, { type: `t${n}`, payload: { text: 'x'.repeat(20_000) } });
		const types: string[] = [];
		const sizes: number[] = [];
		let after: string | undefined;
		for (let hasMore = true; hasMore; ) {
			const page = await mcp.content<{ events: { type: string }[]; hasMore: boolean; nextAfter: string }>(
				'list_events',
				{ sessionId: id, limit: 5, ...(after ? { after } : {}) },
			);
			types.push(...page.events.map(({ type }) => type));
			sizes.push(JSON.stringify(page.events).length);
			({ hasMore, nextAfter: after } = page);
		}
		expect(types).toEqual(Array.from({ length: 8 }, (_, n) => `t${n}`));
		expect(Math.max(...sizes)).toBeLessThan(51_000);
	});

	it('returns an event that is larger than a result alone', async () => {
		const { caller, mcp } = await clientOf();
		const { id } = await caller.create();
		for (const type of ['a', 'b']) await caller.append(id, { type, payload: { text: 'x'.repeat(60_000) } });
		expect(await mcp.content('list_events', { sessionId: id })).toMatchObject({
			events: [{ type: 'a' }],
			hasMore: true,
		});
	});
});
