import type { GetPromptResult, Prompt } from '@modelcontextprotocol/server';

const sessionId = { name: 'sessionId', description: 'The id of the session.', required: true };

/** The prompts, as the protocol lists them. */
export const prompts: Prompt[] = [
	{
		name: 'continue_generation',
		title: 'Continue this generation',
		description: 'Picks up the work on a session where it stopped.',
		arguments: [
			sessionId,
			{ name: 'instructions', description: 'What to mind, if anything.', required: false },
		],
	},
	{
		name: 'explain_failure',
		title: 'Explain why it failed',
		description: 'Finds out from the events of a session why its generation failed.',
		arguments: [sessionId],
	},
];

const texts: Readonly<Record<string, (id: string, instructions: string) => string>> = {
	continue_generation: (id, instructions) =>
		`Continue the generation of the product in the session ${id}.

1. Read its status with get_session, then the prd, the plan and the assemblyState with fields.
2. Read the latest events with list_events to see what was done last, and whether somebody was asked for something.
3. Do the next step of the plan. Record each step with add_step: one event for what happened, a patch for what changed, and an idempotencyKey.
4. If you need an answer from a person, append an event input.requested with the question, and wait for input.* with wait_for_session.
5. Set the status to complete when the product is done, or to failed with an event that says why.${instructions === '' ? '' : `\n\n${instructions}`}`,
	explain_failure: (id) =>
		`Explain why the generation in the session ${id} failed.

1. Read its status with get_session. If it is not failed, say so.
2. Read its events with list_events, up to the last one. Look for the first event that tells of a problem, not only the last.
3. Compare with the plan and the assemblyState: which step was it, and what was there when it failed?
4. Answer with the cause, the events that show it (by their ids), and what to change before another attempt. Do not change the session.`,
};

/** The messages of a prompt. Undefined when there is none with this name, or an argument is missing. */
export function promptFor(name: string, args: Readonly<Record<string, string>>): GetPromptResult | undefined {
	const text = Object.hasOwn(texts, name) ? texts[name] : undefined;
	if (!text || !args.sessionId) return undefined;
	return {
		messages: [
			{ role: 'user', content: { type: 'text', text: text(args.sessionId, args.instructions ?? '') } },
		],
	};
}
