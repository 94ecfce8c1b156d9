import {
	acceptedContent,
	CLIENT_CAPABILITIES_META_KEY,
	createRequestStateCodec,
	inputRequired,
	inputResponse,
	McpServer,
	ResourceTemplate,
	type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';

/** The tools, resources and prompts that the official conformance suite calls by their names. */

/** One red pixel. */
const PNG =
	'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
/** A sound of no length. */
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=';

const text = (content: string) => ({ type: 'text' as const, text: content });
const image = { type: 'image' as const, data: PNG, mimeType: 'image/png' };
const says = (content: string) => ({ content: [text(content)] });
const resource = (uri: string, mimeType: string, content: string) => ({
	type: 'resource' as const,
	resource: { uri, mimeType, text: content },
});

const state = createRequestStateCodec<{ round: number }>({
	key: 'a key of at least 32 characters for the tests',
});
const nameSchema = z.object({ name: z.string() });
const askName = (message: string) => inputRequired.elicit({ message, requestedSchema: nameSchema });
const askModel = (question: string) =>
	inputRequired.createMessage({ messages: [{ role: 'user', content: text(question) }], maxTokens: 100 });
const capabilitiesOf = (c: ServerContext): object =>
	(c.mcpReq.envelope as Record<string, object> | undefined)?.[CLIENT_CAPABILITIES_META_KEY] ?? {};

function addTools(server: McpServer): void {
	const add = (name: string, run: (c: ServerContext) => unknown) =>
		server.registerTool(name, { description: `For the suite: ${name}.` }, run as never);

	add('test_simple_text', () => says('This is a simple text response for testing.'));
	add('test_image_content', () => ({ content: [image] }));
	add('test_audio_content', () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] }));
	add('test_embedded_resource', () => ({
		content: [resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
	}));
	add('test_multiple_content_types', () => ({
		content: [
			text('Multiple content types test:'),
			image,
			resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
		],
	}));
	add('test_error_handling', () => {
		throw new Error('This tool intentionally returns an error for testing');
	});
	add('test_logging_tool', () => says('Nothing is logged.'));
	add('test_tool_with_progress', async (c) => {
		const progressToken = c.mcpReq._meta?.progressToken;
		for (const progress of [0, 50, 100]) {
			if (progressToken === undefined) continue;
			const params = { progressToken, progress, total: 100 };
			await c.mcpReq.notify({ method: 'notifications/progress', params });
		}
		return says('Done.');
	});

	add('test_missing_capability', () => inputRequired({ inputRequests: { a: askModel('Anything?') } }));
	add('test_streaming_elicitation', () =>
		inputRequired({ inputRequests: { user_name: askName('Your name?') } }),
	);
	add('test_input_required_result_elicitation', (c) => {
		const given = acceptedContent(c.mcpReq.inputResponses, 'user_name', nameSchema);
		if (given) return says(`Hello, ${given.name}!`);
		return inputRequired({ inputRequests: { user_name: askName('What is your name?') } });
	});
	add('test_input_required_result_sampling', (c) => {
		const given = inputResponse(c.mcpReq.inputResponses, 'capital_question');
		if (given.kind === 'sampling') return says(JSON.stringify(given.result.content));
		return inputRequired({ inputRequests: { capital_question: askModel('What is the capital of France?') } });
	});
	add('test_input_required_result_list_roots', (c) => {
		const given = inputResponse(c.mcpReq.inputResponses, 'client_roots');
		if (given.kind === 'roots') return says(JSON.stringify(given.roots));
		return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
	});
	for (const name of [
		'test_input_required_result_request_state',
		'test_input_required_result_tampered_state',
	]) {
		add(name, async (c) => {
			if (c.mcpReq.requestState<{ round: number }>()?.round === 1) return says('state-ok');
			const confirm = inputRequired.elicit({
				message: 'Please confirm',
				requestedSchema: z.object({ ok: z.boolean() }),
			});
			return inputRequired({ inputRequests: { confirm }, requestState: await state.mint({ round: 1 }) });
		});
	}
	add('test_input_required_result_multiple_inputs', async (c) => {
		const { inputResponses } = c.mcpReq;
		const given = ['user_name', 'greeting', 'client_roots'].map((key) => inputResponse(inputResponses, key));
		if (given.every(({ kind }) => kind !== 'missing')) return says('All three have come.');
		return inputRequired({
			inputRequests: {
				user_name: askName('What is your name?'),
				greeting: askModel('Generate a greeting'),
				client_roots: inputRequired.listRoots(),
			},
			requestState: await state.mint({ round: 1 }),
		});
	});
	add('test_input_required_result_multi_round', async (c) => {
		const round = c.mcpReq.requestState<{ round: number }>()?.round ?? 0;
		if (round === 2) return says('Two rounds are done.');
		const step2 = inputRequired.elicit({
			message: 'Step 2: What is your favorite color?',
			requestedSchema: z.object({ color: z.string() }),
		});
		return inputRequired({
			inputRequests: round === 0 ? { step1: askName('Step 1: What is your name?') } : { step2 },
			requestState: await state.mint({ round: round + 1 }),
		});
	});
	add('test_input_required_result_capabilities', (c) =>
		inputRequired({
			inputRequests: {
				...('sampling' in capabilitiesOf(c) ? { model: askModel('Anything?') } : {}),
				...('elicitation' in capabilitiesOf(c) ? { user: askName('Your name?') } : {}),
			},
		}),
	);
}

function addResources(server: McpServer): void {
	const described = (mimeType: string) => ({ description: 'For the suite.', mimeType });
	server.registerResource('static-text', 'test://static-text', described('text/plain'), ({ href }) => ({
		contents: [
			{ uri: href, mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
		],
	}));
	server.registerResource('static-binary', 'test://static-binary', described('image/png'), ({ href }) => ({
		contents: [{ uri: href, mimeType: 'image/png', blob: PNG }],
	}));
	const template = new ResourceTemplate('test://template/{id}/data', { list: undefined });
	server.registerResource('template', template, described('application/json'), ({ href }, { id }) => ({
		contents: [
			{
				uri: href,
				mimeType: 'application/json',
				text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
			},
		],
	}));
}

function addPrompts(server: McpServer): void {
	const asks = (...contents: object[]) => ({
		messages: contents.map((content) => ({
			role: 'user' as const,
			content: content as ReturnType<typeof text>,
		})),
	});
	const described = { description: 'For the suite.' };
	server.registerPrompt('test_simple_prompt', described, () =>
		asks(text('This is a simple prompt for testing.')),
	);
	server.registerPrompt('test_prompt_with_image', described, () =>
		asks(image, text('Please analyze the image above.')),
	);
	server.registerPrompt(
		'test_prompt_with_arguments',
		{ ...described, argsSchema: z.object({ arg1: z.string(), arg2: z.string() }) },
		({ arg1, arg2 }) => asks(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
	);
	server.registerPrompt(
		'test_prompt_with_embedded_resource',
		{ ...described, argsSchema: z.object({ resourceUri: z.string() }) },
		({ resourceUri }) =>
			asks(
				resource(resourceUri, 'text/plain', 'Embedded resource content for testing.'),
				text('Please process the embedded resource above.'),
			),
	);
	server.registerPrompt('test_input_required_result_prompt', described, (c) => {
		const contextSchema = z.object({ context: z.string() });
		const given = acceptedContent(c.mcpReq.inputResponses, 'user_context', contextSchema);
		if (given) return asks(text(given.context));
		const message = 'What context should the prompt use?';
		const user_context = inputRequired.elicit({ message, requestedSchema: contextSchema });
		return inputRequired({ inputRequests: { user_context } });
	});
}

/** A server with everything that the suite calls. */
export function suiteServer(): McpServer {
	const server = new McpServer(
		{ name: 'conformance-suite', version: '1.0.0' },
		{ capabilities: { completions: {} }, requestState: { verify: state.verify } },
	);
	addTools(server);
	addResources(server);
	addPrompts(server);
	server.server.setRequestHandler('completion/complete', () => ({ completion: { values: [] } }));
	return server;
}
