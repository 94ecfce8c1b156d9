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
