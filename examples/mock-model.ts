import type { LanguageModel } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';

/** How long the model thinks. */
const THINKING_MS = 300;

const usage = {
	inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: 0 },
	outputTokens: { total: 10, text: 10, reasoning: 0 },
};

/** A model that needs no key: it plans three modules, asks for a tool in each, and fails on the first try at `ui`. */
export function mockModel(): LanguageModel {
	let hasFailed = false;
	return new MockLanguageModelV4({
		async doGenerate({ prompt }) {
			await new Promise((resolve) => setTimeout(resolve, THINKING_MS));
			const question = JSON.stringify(prompt);
			const stop = { finishReason: { unified: 'stop' as const, raw: 'stop' }, usage, warnings: [] };
			if (question.includes('Plan the modules')) {
				const plan = { modules: ['api', 'ui', 'billing'] };
				return { ...stop, content: [{ type: 'text', text: JSON.stringify(plan) }] };
			}
			const [, module = ''] = /Build the module (\w+)/.exec(question) ?? [];
			if (module === 'ui' && !hasFailed) {
				hasFailed = true;
				throw new Error('The model is overloaded.');
			}
			if (question.includes('"tool-result"')) {
				return { ...stop, content: [{ type: 'text', text: `export const ${module} = {};` }] };
			}
			const input = JSON.stringify({ query: module });
			return {
				...stop,
				finishReason: { unified: 'tool-calls' as const, raw: 'tool_calls' },
				content: [{ type: 'tool-call', toolCallId: `call-${module}`, toolName: 'searchCatalog', input }],
			};
		},
	});
}

/** A call of a tool. */
type Call = [tool: string, input: (id: string) => Record<string, unknown>];

/** What the agent does to build a product, one call after another. The second patch has a mistake, which it corrects. */
const callsOf = (run: string): Call[] => [
	['create_session', () => ({ prd: { title: 'Support assistant' }, idempotencyKey: `${run}-begin` })],
	[
		'add_step',
		(sessionId) => ({
			sessionId,
			events: [{ type: 'plan.ready', stage: 'planning' }],
			patch: { status: 'generating', plan: { modules: ['api', 'ui'] } },
			idempotencyKey: `${run}-plan`,
		}),
	],
	['update_session', (sessionId) => ({ sessionId, status: 'building' })],
	[
		'update_session',
		(sessionId) => ({ sessionId, status: 'assembling', assemblyState: { api: 'built', ui: 'built' } }),
	],
	['get_session', (sessionId) => ({ sessionId, fields: ['plan', 'assemblyState'] })],
	[
		'add_step',
		(sessionId) => ({
			sessionId,
			events: [{ type: 'product.ready', stage: 'assembling' }],
			patch: { status: 'complete', productObject: { files: { 'api.ts': '', 'ui.ts': '' } } },
			idempotencyKey: `${run}-ready`,
		}),
	],
];

/**
 * A model that needs no key, and builds a product with the tools of the service. It continues a session that the prompt
 * names.
 */
export function mockAgentModel(): LanguageModel {
	const calls = callsOf(crypto.randomUUID());
	let done = 0;
	return new MockLanguageModelV4({
		async doGenerate({ prompt }) {
			const [id] = /sess_[0-9a-z]{26}/.exec(JSON.stringify(prompt)) ?? [];
			if (done === 0 && id !== undefined) done = 1;
			const [tool, input] = calls[done] ?? [];
			done += 1;
			const stop = { finishReason: { unified: 'stop' as const, raw: 'stop' }, usage, warnings: [] };
			if (tool === undefined || input === undefined) {
				return { ...stop, content: [{ type: 'text', text: `The product of ${id} is complete.` }] };
			}
			return {
				...stop,
				finishReason: { unified: 'tool-calls' as const, raw: 'tool_calls' },
				content: [
					{
						type: 'tool-call',
						toolCallId: `call-${done}`,
						toolName: tool,
						input: JSON.stringify(input(id ?? '')),
					},
				],
			};
		},
	});
}
