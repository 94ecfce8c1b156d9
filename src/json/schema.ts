import * as z from 'zod';
import { limits } from '../core/limits.ts';
import { refusal } from '../core/problems.ts';
import { isJsonText, type JsonText, TOO_DEEP } from './json-text.ts';

type AnyObject = Record<string, unknown>;

/** Whether a value is what JSON calls an object: neither an array nor null. */
export const isObject = (value: unknown): value is AnyObject =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** Any JSON object in a response. z.record would drop a member named `__proto__`. */
export const jsonObject = z.custom<AnyObject>(isObject);

/** Any JSON object in a request. jsonBody has replaced it by its stored form. */
export const sentObject = z.custom<JsonText>(isJsonText, {
	...refusal('INVALID_TYPE', 'must be an object'),
	error: ({ input }) =>
		input === TOO_DEEP ? `must not nest deeper than ${limits.nesting} levels` : 'must be an object',
}) as z.ZodType<JsonText, unknown> as z.ZodType<JsonText, AnyObject>;

/** The OpenAPI schema of such an object, and of one that may be null. */
export const jsonObjectMeta = { override: { type: 'object' as const, additionalProperties: true } };
export const nullableObjectMeta = {
	override: ({ jsonSchema }: { jsonSchema: Record<string, unknown> }) => {
		delete jsonSchema.anyOf;
		Object.assign(jsonSchema, { type: ['object', 'null'], additionalProperties: true });
	},
};
