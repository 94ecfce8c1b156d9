import * as z from 'zod';
import { characters } from './limits.ts';

const isWellFormed = (text: string): boolean => text.isWellFormed() && !text.includes('\u0000');

/** A plain string of at most `most` characters. SQLite ends some texts at U+0000, and UTF-8 has no lone surrogates. */
export const plainString = (most: number, least = 0) =>
	z
		.string()
		.refine((text) => characters(text) <= most, { error: `must have at most ${most} characters` })
		.refine((text) => characters(text) >= least, { error: `must have at least ${least} character` })
		.refine(isWellFormed, { error: 'must not hold U+0000 or a lone surrogate' })
		.meta(least > 0 ? { minLength: least, maxLength: most } : { maxLength: most });

/**
 * Any JSON object. Not z.record: that copies the object and drops a member named `__proto__`. What is stored is
 * the text that was sent, so nothing needs copying.
 */
export const jsonObject = z.custom<Record<string, unknown>>(
	(value) => typeof value === 'object' && value !== null && !Array.isArray(value),
	{ error: 'must be an object' },
);

/** How the OpenAPI document shows such an object. */
export const jsonObjectMeta = { override: { type: 'object' as const, additionalProperties: true } };

/** A whole number in a query, as decimal digits. */
export const wholeNumberQuery = (least: number, most: number) =>
	z
		.string()
		.regex(/^\d+$/, { error: 'must be a whole number' })
		.transform(Number)
		.pipe(z.number().min(least).max(most));
