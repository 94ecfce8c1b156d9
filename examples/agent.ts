/**
 * An agent that builds a product with the tools of the service alone, by the Model Context Protocol. It knows no call of the
 * API: the model reads what the tools say about themselves.
 *
 * npm run example agent.ts begins a product npm run example agent.ts SESSION_ID continues one
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { dynamicTool, generateText, isStepCount, jsonSchema, type LanguageModel, type ToolSet } from 'ai';
import { local } from './local.ts';
import { mockAgentModel } from './mock-model.ts';

/** The server's tools, for the AI SDK. */
async function toolsOf(client: Client): Promise<ToolSet> {
	const { tools } = await client.listTools();
	return Object.fromEntries(
		tools.map(({ name, description = '', inputSchema }) => [
			name,
			dynamicTool({
				description,
				inputSchema: jsonSchema(inputSchema as Parameters<typeof jsonSchema>[0]),
				// An error of a tool is a result too: the model reads what was wrong, and corrects its call.
				execute: async (input) =>
					(await client.callTool({ name, arguments: input as Record<string, unknown> })).content,
			}),
		]),
	);
}

/** What the model is asked: to begin, or the server's own prompt to continue. */
async function promptFor(client: Client, sessionId: string | undefined): Promise<string> {
	if (sessionId === undefined) {
		return 'Build a support assistant. Keep its state in a session, and set the status to complete when it is done.';
	}
	const { messages } = await client.getPrompt({ name: 'continue_generation', arguments: { sessionId } });
	return messages.map(({ content }) => (content.type === 'text' ? content.text : '')).join('\n');
}

/** Works until the model calls no further tool. Returns what it says at the end. */
async function work(model: LanguageModel, sessionId: string | undefined): Promise<string> {
	const { baseUrl, token } = local();
	const client = new Client(
		{ name: 'example-agent', version: '1.0.0' },
		{ versionNegotiation: { mode: 'auto' } },
	);
	const headers = { Authorization: `Bearer ${token}` };
	await client.connect(
		new StreamableHTTPClientTransport(new URL('/mcp', baseUrl), { requestInit: { headers } }),
	);
	try {
		const { text } = await generateText({
			model,
			system: client.getInstructions() ?? '',
			tools: await toolsOf(client),
			stopWhen: isStepCount(20),
			prompt: await promptFor(client, sessionId),
		});
		return text;
	} finally {
		await client.close();
	}
}

if (import.meta.main) {
	// Your model here, for example `anthropic('claude-sonnet-4-5')` of @ai-sdk/anthropic.
	console.log(await work(mockAgentModel(), process.argv[2]));
}
