import * as z from 'zod';
import { characters } from '../core/limits.ts';
import { isStoredObject, type StoredObject } from './json-text.ts';
import { isObject } from './raw-members.ts';

const isWellFormed = (text: string): boolean => text.isWellFormed() && !text.includes('\u0000');

/** A plain string of at most `most` characters. SQLite ends some texts at U+0000, and UTF-8 has no lone surrogates. */
export const plainString = (most: number, least = 0) =>
	z
		.string()
		.refine((text) => characters(text) <= most, { error: `must have at most ${most} characters` })
		.refine((text) => characters(text) >= least, { error: `must have at least ${least} character` })
		.refine(isWellFormed, { error: 'must not hold U+0000 or a lone surrogate' })
		.meta(least > 0 ? { minLength: least, maxLength: most } : { maxLength: most });

/** What an answer holds beside plain strings, with the bounds that a reader may count on. */
export const inAnswers = {
	/** A user's or an organization's id. */
	ownerId: z.string().max(255),
	/** ISO 8601 UTC with milliseconds. */
	timestamp: z.iso.datetime({ precision: 3 }).max(24),
	/** A whole number from 0. */
	count: z.int().min(0).meta({ format: 'int64' }),
};

type AnyObject = Record<string, unknown>;

/** Any JSON object in an answer. Not z.record: that drops a member named `__proto__`. */
export const jsonObject = z.custom<AnyObject>(isObject);

/** Any JSON object in a request, which jsonBody has put its stored form in the place of. */
export const sentObject = z.custom<StoredObject>(isStoredObject, {
	error: 'must be an object',
}) as z.ZodType<StoredObject, unknown> as z.ZodType<StoredObject, AnyObject>;

/** How the OpenAPI document shows such an object, and one that may be null. */
export const jsonObjectMeta = { override: { type: 'object' as const, additionalProperties: true } };
export const nullableObjectMeta = {
	override: ({ jsonSchema }: { jsonSchema: Record<string, unknown> }) => {
		delete jsonSchema.anyOf;
		Object.assign(jsonSchema, { type: ['object', 'null'], additionalProperties: true });
	},
};

/** A whole number in a query, as decimal digits, with the value that stands for an absent one. */
export const wholeNumberQuery = (least: number, most: number, absent: number) =>
	z
		.string()
		.regex(/^\d+$/, { error: 'must be a whole number' })
		.transform(Number)
		.pipe(z.number().min(least).max(most))
		.default(absent)
		.meta({ override: { type: 'integer', format: 'int64', minimum: least, maximum: most, default: absent } });
