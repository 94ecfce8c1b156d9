import type { CallToolResult, Tool as ListedTool } from '@modelcontextprotocol/server';
import type { Principal } from '../core/principal.ts';
import { mayCall } from '../http/operation.ts';
import { errorText, type Repeatable } from './error-text.ts';
import { eventTools } from './event-tools.ts';
import { historyTools } from './history-tools.ts';
import { jsonSchemaOf } from './json-schema.ts';
import { sessionTools } from './session-tools.ts';
import type { Served, Tool } from './tool.ts';
import { waitForSession } from './wait-tool.ts';

export const tools: readonly Tool[] = [...sessionTools, ...eventTools, waitForSession, ...historyTools];

const listed = new Map<Tool, ListedTool>(
	tools.map((tool) => [
		tool,
		{
			name: tool.name,
			title: tool.title,
			description: tool.description,
			inputSchema: jsonSchemaOf(tool.input, 'input') as ListedTool['inputSchema'],
			outputSchema: jsonSchemaOf(tool.output, 'output') as NonNullable<ListedTool['outputSchema']>,
			// Everything is in this service.
			annotations: { ...tool.annotations, openWorldHint: false },
		},
	]),
);

/** The tools that a caller may use, as the protocol lists them. */
export const toolsFor = (principal: Principal): ListedTool[] =>
	tools
		.filter(({ permission, forSessionKeys }) => mayCall(principal, permission, forSessionKeys))
		.flatMap((tool) => listed.get(tool) ?? []);

/** The tool with a name, whoever may use it. */
export const toolNamed = (name: string): Tool | undefined => tools.find((tool) => tool.name === name);

/**
 * Runs a tool. Its text is its structured content as JSON, for clients that know no structured content. An error is a
 * result, so that the language model reads it and can correct its call.
 */
export async function runTool(
	tool: Tool,
	args: Readonly<Record<string, unknown>>,
	served: Served,
): Promise<CallToolResult> {
	try {
		const content = await tool.run(args, served);
		return {
			content: [{ type: 'text', text: JSON.stringify(content) }],
			structuredContent: content as Record<string, unknown>,
		};
	} catch (error) {
		const text = await errorText(error as Error, served.c, repeatable(tool, args));
		return { content: [{ type: 'text', text }], isError: true };
	}
}

function repeatable(
	{ annotations }: Tool,
	{ idempotencyKey }: Readonly<Record<string, unknown>>,
): Repeatable {
	if (typeof idempotencyKey === 'string') return 'by its key';
	return annotations.idempotentHint ? 'yes' : 'no';
}
