import * as z from 'zod';
import { validationError } from '../core/errors.ts';
import type { NeededPermission } from '../core/principal.ts';
import type { RequestContext } from '../http/context.ts';
import { parsed } from '../http/validate.ts';
import type { Rest } from './rest.ts';

/** The request that a tool serves. */
export interface Served {
	c: RequestContext;
	rest: Rest;
}

type Arguments = Readonly<Record<string, unknown>>;

/** A tool of the Model Context Protocol. */
export interface Tool {
	name: string;
	title: string;
	/** What it does, for a language model. */
	description: string;
	/** The permission that its calls check. A caller without it does not see the tool. */
	permission: NeededPermission;
	/** Which keys for one session see it: those that may make its calls. */
	forSessionKeys?: true | 'that may append';
	annotations: { readOnlyHint: boolean; destructiveHint: boolean; idempotentHint: boolean };
	input: z.ZodObject;
	output: z.ZodObject;
	/** Returns the structured content of the result. Throws what the calls throw, and VALIDATION_ERROR. */
	run(args: Arguments, served: Served): Promise<object>;
}

/**
 * Declares a tool. `own` are the arguments that the tool itself reads, and validates. `passed` are those that the REST API
 * validates: they reach `run` as they were sent, without those that are absent.
 */
export function tool<Own extends z.ZodRawShape>({
	own,
	passed = {},
	run,
	...declared
}: Omit<Tool, 'input' | 'run'> & {
	own: Own;
	passed?: z.ZodRawShape;
	run(own: z.output<z.ZodObject<Own>>, passed: Arguments, served: Served): Promise<object>;
}): Tool {
	const ownSchema = z.object(own);
	const input = z.strictObject({ ...own, ...passed });
	return {
		...declared,
		input,
		run(args, served) {
			checkNames(Object.keys(args), Object.keys(input.shape));
			const others = Object.entries(args).filter(([name]) => Object.hasOwn(passed, name));
			// Some clients send null for each argument that a model leaves out.
			const given = Object.entries(args).filter(([, value]) => value !== null);
			return run(parsed(ownSchema, Object.fromEntries(given)), Object.fromEntries(others), served);
		},
	};
}

/** A misspelled argument must not be ignored, because a language model would take its effect for granted. */
function checkNames(names: readonly string[], known: readonly string[]): void {
	const unknown = names.filter((name) => !known.includes(name));
	if (unknown.length === 0) return;
	throw validationError(
		unknown.map((name) => ({
			path: name,
			message: 'is not an argument of this tool',
			code: 'INVALID_ENUM',
			suggestion: `Use some of ${known.join(', ')}.`,
		})),
	);
}
