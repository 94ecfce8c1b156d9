import { zValidator } from '@hono/zod-validator';
import type { ZodType, z } from 'zod';
import { type ApiError, validationError } from '../core/errors.ts';
import { documentedValidator } from './operation.ts';
import { messageOf, problemOf } from './problems.ts';

/** Validates with the messages of this service, and keeps the refused values for the codes of the problems. */
const validate = <S extends ZodType>(schema: S, value: unknown) =>
	schema.safeParse(value, { error: messageOf, reportInput: true });

const refused = (error: z.core.$ZodError): ApiError => validationError(error.issues.map(problemOf));

/**
 * Validates the query. Throws VALIDATION_ERROR with an entry for each problem. A parameter that is not a list must be
 * given once: the service does not choose between two values.
 */
export const validateQuery = <S extends ZodType>(schema: S) =>
	documentedValidator(
		zValidator(
			'query',
			schema,
			(result, c) => {
				if (result.success) return;
				const given = c.req.queries();
				throw validationError(
					result.error.issues.map((issue) => {
						const problem = problemOf(issue);
						// A schema that takes a list finds other faults in it than its type.
						const isRepeated = issue.code !== 'custom' && (given[problem.path]?.length ?? 0) > 1;
						return isRepeated ? { ...problem, message: 'must be given once, not several times' } : problem;
					}),
				);
			},
			// Its type depends on the version of Zod, which is not known of a generic schema.
			{ validationFunction: validate as never },
		),
		{ target: 'query', schema },
	);

/** Validates a value. Throws VALIDATION_ERROR with an entry for each problem. */
export function parsed<S extends ZodType>(schema: S, value: unknown): z.output<S> {
	const result = validate(schema, value);
	if (!result.success) throw refused(result.error);
	return result.data;
}
