import { zValidator } from '@hono/zod-validator';
import type { ZodType, z } from 'zod';
import { type ApiError, validationError } from '../core/errors.ts';
import { documentedValidator } from './operation.ts';

const refusal = (error: z.core.$ZodError): ApiError =>
	validationError(error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })));

/** Validates the query. Throws VALIDATION_ERROR with an entry for each problem. */
export const validateQuery = <S extends ZodType>(schema: S) =>
	documentedValidator(
		zValidator('query', schema, (result) => {
			if (!result.success) throw refusal(result.error);
		}),
		{ target: 'query', schema },
	);

/** Validates a value. Throws VALIDATION_ERROR with an entry for each problem. */
export function parsed<S extends ZodType>(schema: S, value: unknown): z.output<S> {
	const result = schema.safeParse(value);
	if (!result.success) throw refusal(result.error);
	return result.data;
}
