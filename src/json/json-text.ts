import { ApiError } from '../core/errors.ts';
import { utf8Length } from '../core/text.ts';

const IS_JSON_TEXT = Symbol('JSON text');

/**
 * The stored form of an object in a request. It replaces the parsed object as soon as the body is parsed, because a
 * parsed object would need ten times the memory, and would stay alive during the round trip to D1.
 */
export interface JsonText {
	readonly [IS_JSON_TEXT]: true;
	readonly text: string;
	/** An upper bound of the text's bytes in UTF-8: a stored form is never longer than its body. */
	readonly maxBytes: number;
}

export const jsonText = (text: string, maxBytes: number): JsonText => ({
	[IS_JSON_TEXT]: true,
	text,
	maxBytes,
});

/** Whether a value is a JsonText. Parsed JSON is never mistaken for one, because JSON has no symbols. */
export const isJsonText = (value: unknown): value is JsonText =>
	typeof value === 'object' && value !== null && IS_JSON_TEXT in value;

/** What is read in place of an object that nests deeper than `limits.nesting`. */
export const TOO_DEEP = Symbol('an object that nests too deep');

/** The error for an object that exceeds its limit of `max` bytes. `field` is its name in the request. */
export const tooLarge = (field: string, max: number): ApiError =>
	new ApiError('PAYLOAD_TOO_LARGE', `${field} must have at most ${max} bytes as JSON in UTF-8.`);

/** Returns the text of one object of a body. Throws PAYLOAD_TOO_LARGE when it exceeds `max` bytes. */
export function textOrTooLarge({ text, maxBytes }: JsonText, field: string, max: number): string {
	if (maxBytes > max && utf8Length(text) > max) throw tooLarge(field, max);
	return text;
}
