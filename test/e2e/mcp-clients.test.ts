import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { proxyWith } from '../support/mcp-proxy.ts';
import { type Server, startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

let server: Server;
beforeAll(async () => {
	server = await startServer({ FOLLOW_HEARTBEAT_SECONDS: '1' });
});
afterAll(() => server?.close());

const info = { name: 'test', version: '1' };
const urlOf = (base: string) => new URL('/mcp', base);
const options = (key: string) => ({ requestInit: { headers: { Authorization: `Bearer ${key}` } } });

/** The part that the clients of both versions of the SDK have in common. */
interface AnyClient {
	listTools(): Promise<{ tools: { name: string }[] }>;
	callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
	readResource(params: { uri: string }): Promise<{ contents: unknown[] }>;
	listResources(): Promise<{ resources: { uri: string }[] }>;
	getPrompt(params: { name: string; arguments: Record<string, string> }): Promise<{ messages: unknown[] }>;
	close(): Promise<void>;
}

async function client1(key: string, base = server.url): Promise<AnyClient> {
	const client = new Client1(info);
	await client.connect(new Transport1(urlOf(base), options(key)) as Parameters<typeof client.connect>[0]);
	return client;
}

async function client2(
	key: string,
	mode: 'legacy' | 'auto' | { pin: string },
	base = server.url,
): Promise<Client> {
	const client = new Client(info, { versionNegotiation: { mode } });
	await client.connect(new StreamableHTTPClientTransport(urlOf(base), options(key)));
	return client;
}

const clients: [name: string, connect: (key: string, base?: string) => Promise<AnyClient>][] = [
	['SDK 1.x', client1],
	['SDK 2 as it is by default', (key, base) => client2(key, 'legacy', base)],
	['SDK 2 that negotiates the version', (key, base) => client2(key, 'auto', base)],
	['SDK 2 on 2026-07-28', (key, base) => client2(key, { pin: '2026-07-28' }, base)],
];

interface Content {
	structuredContent: { session: { id: string; status: string }; outcome: string };
	isError?: boolean;
}

describe.each(clients)('the official client, %s', (_, connect) => {
	it('builds a product, and reads it', async () => {
		const client = await connect(await server.newKey());
		// It checks each result against the output schema of its tool, once it has listed them.
		expect((await client.listTools()).tools.map(({ name }) => name)).toContain('add_step');
		const call = (name: string, args: Record<string, unknown>) =>
			client.callTool({ name, arguments: args }) as Promise<Content>;
		const made = await call('create_session', { prd: { title: 'x' } });
		const sessionId = made.structuredContent.session.id;
		const waited = call('wait_for_session', { sessionId, statuses: ['complete'], timeoutSeconds: 20 });
		await call('add_step', { sessionId, events: [{ type: 'built' }], patch: { status: 'complete' } });
		expect((await waited).structuredContent).toMatchObject({
			outcome: 'status',
			session: { status: 'complete' },
		});
		const tools = ['get_session', 'list_events', 'list_sessions', 'update_session', 'append_event'];
		for (const name of tools) {
			const args =
				name === 'list_sessions' ? {} : { sessionId, ...(name === 'append_event' ? { type: 'a' } : {}) };
			expect((await call(name, args)).isError, name).toBeFalsy();
		}
		expect((await call('get_session', { sessionId: 'x' })).isError).toBe(true);
		expect((await client.listResources()).resources).toMatchObject([{ uri: `session://${sessionId}` }]);
		expect((await client.readResource({ uri: `session://${sessionId}` })).contents).toHaveLength(1);
		const prompt = await client.getPrompt({ name: 'explain_failure', arguments: { sessionId } });
		expect(prompt.messages).toHaveLength(1);
		await client.close();
	});

	it('is refused without a key', async () => {
		await expect(connect('rt_test_none')).rejects.toThrow();
	});
});

it('a subscription of the official client tells of changes, and again after its connection was cut', async () => {
	const key = await server.newKey();
	const proxy = await proxyWith(`Bearer ${key}`, server.url);
	const client = await client2(key, 'auto', proxy.url);
	const made = (await client.callTool({ name: 'create_session', arguments: {} })) as unknown as Content;
	const { id } = made.structuredContent.session;
	const told: string[] = [];
	client.setNotificationHandler(
		'notifications/resources/updated',
		({ params }) => void told.push(params.uri),
	);
	const uri = `session://${id}`;
	const setStatus = (status: string) =>
		client.callTool({ name: 'update_session', arguments: { sessionId: id, status } });

	const first = await client.listen({ resourceSubscriptions: [uri] });
	expect(first.honoredFilter).toEqual({ resourceSubscriptions: [uri] });
	await setStatus('generating');
	await until(() => expect(told).toEqual([uri]));

	proxy.cut();
	await first.closed;
	await setStatus('failed');
	const second = await client.listen({ resourceSubscriptions: [uri] });
	expect(told).toHaveLength(1);
	await setStatus('complete');
	await until(() => expect(told).toHaveLength(2));
	await second.close();
	await client.close();
	proxy.close();
});
