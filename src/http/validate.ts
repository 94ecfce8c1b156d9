import { zValidator } from '@hono/zod-validator';
import type { ValidationTargets } from 'hono';
import type { ZodType, z } from 'zod';
import { type ApiError, validationError } from '../core/errors.ts';

const refusal = (error: z.core.$ZodError): ApiError =>
	validationError(error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })));

/** Validates one part of a request by a Zod schema. Throws VALIDATION_ERROR with an entry for each problem. */
export const validate = <S extends ZodType, T extends keyof ValidationTargets>(target: T, schema: S) =>
	zValidator(target, schema, (result) => {
		if (!result.success) throw refusal(result.error);
	});

/** The same for a value at hand. */
export function parsed<S extends ZodType>(schema: S, value: unknown): z.output<S> {
	const result = schema.safeParse(value);
	if (!result.success) throw refusal(result.error);
	return result.data;
}
