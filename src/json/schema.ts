import * as z from 'zod';
import { refusal } from '../core/problems.ts';
import { isJsonText, type JsonText } from './json-text.ts';
import { isObject } from './raw-members.ts';

type AnyObject = Record<string, unknown>;

/** Any JSON object in a response. z.record would drop a member named `__proto__`. */
export const jsonObject = z.custom<AnyObject>(isObject);

/** Any JSON object in a request. jsonBody has replaced it by its stored form. */
export const sentObject = z.custom<JsonText>(
	isJsonText,
	refusal('INVALID_TYPE', 'must be an object'),
) as z.ZodType<JsonText, unknown> as z.ZodType<JsonText, AnyObject>;

/** The OpenAPI schema of such an object, and of one that may be null. */
export const jsonObjectMeta = { override: { type: 'object' as const, additionalProperties: true } };
export const nullableObjectMeta = {
	override: ({ jsonSchema }: { jsonSchema: Record<string, unknown> }) => {
		delete jsonSchema.anyOf;
		Object.assign(jsonSchema, { type: ['object', 'null'], additionalProperties: true });
	},
};
