import * as z from 'zod';
import { refusal } from './problems.ts';
import { characters } from './text.ts';

const isWellFormed = (text: string): boolean => text.isWellFormed() && !text.includes('\u0000');

/**
 * A plain string in a request, of `min` to `max` characters. It must not contain U+0000, at which SQLite cuts some
 * texts, or a lone surrogate, which UTF-8 cannot encode.
 */
export const plainString = (max: number, min = 0) =>
	z
		.string()
		.refine((text) => characters(text) <= max, refusal('TOO_LONG', `must have at most ${max} characters`))
		.refine((text) => characters(text) >= min, refusal('TOO_SHORT', `must have at least ${min} character`))
		.refine(isWellFormed, refusal('INVALID_CHARACTERS', 'must not contain U+0000 or a lone surrogate'))
		.meta({ ...(min > 0 ? { minLength: min } : {}), maxLength: max, pattern: '^[^\\x00]*$' });

/**
 * The pattern of a plain line for the OpenAPI document. It leaves out U+2028 and U+2029, because no way to write them suits
 * every engine and every generator: as themselves they end a line of JavaScript, and RE2 does not know `\u`.
 */
const PLAIN_LINE = '^[^\\x00-\\x1f\\x7f-\\x9f]*$';

/**
 * A plain string that also appears in lines of logs and streams. It must not contain control characters (Unicode's Cc)
 * or line and paragraph separators.
 */
export const plainLine = (max: number, min = 0) =>
	plainString(max, min)
		.refine(
			(text) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text),
			refusal('INVALID_CHARACTERS', 'must not contain control characters or line separators'),
		)
		.meta({ pattern: PLAIN_LINE });

/** A user's or an organization's id, in a response. */
export const ownerId = z.string().max(255);
/** ISO 8601 UTC with milliseconds, in a response. */
export const timestamp = z.iso.datetime({ precision: 3 }).max(24);
/** A whole number from 0, in a response. */
export const count = z.int().min(0).meta({ format: 'int64' });

/** The text of a query parameter as a number. Text of any length is one number, at most Infinity. */
const decimal = z
	.string()
	.refine((text) => /^-?\d+$/.test(text), refusal('INVALID_TYPE', 'must be a whole number'))
	.transform(Number);

/** Replaces the schema of the text that a query contains by that of the value, for the OpenAPI document. */
export const documentedAs = (schema: object) => ({
	override({ jsonSchema }: { jsonSchema: Record<string, unknown> }) {
		for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
		Object.assign(jsonSchema, schema);
	},
});

/** Generators give an int64 a type of its own where an int32 is a usual number. */
const integerFormat = (maximum: number) => (maximum < 2 ** 31 ? 'int32' : 'int64');

const integerMeta = (minimum: number, maximum: number, absent: number | undefined, description: string) => ({
	...documentedAs({
		type: 'integer',
		format: integerFormat(maximum),
		minimum,
		maximum,
		...(absent === undefined ? {} : { default: absent }),
	}),
	description,
});

/** A whole number in a query, as decimal digits, with a default. */
export const wholeNumberQuery = (min: number, max: number, absent: number, description: string) =>
	decimal
		.pipe(z.number().min(min).max(max))
		.default(absent)
		.meta(integerMeta(min, max, absent, description));

/** A whole number in a query without a default. */
export const optionalNumberQuery = (min: number, max: number, description: string) =>
	decimal
		.pipe(z.number().min(min).max(max))
		.optional()
		.meta(integerMeta(min, max, undefined, description));

/** A whole number in a query with a default, where a number above `max` counts as `max`. The OpenAPI document therefore has no real maximum. */
export const cappedNumberQuery = (min: number, max: number, absent: number, description: string) =>
	decimal
		.transform((number) => Math.min(number, max))
		.pipe(z.number().min(min))
		.default(absent)
		.meta(integerMeta(min, Number.MAX_SAFE_INTEGER, absent, description));
