import { ApiError } from '../core/errors.ts';
import { utf8Length } from '../core/text.ts';

const IS_JSON_TEXT = Symbol('JSON text');

/**
 * The stored form of an object that was sent. It takes the object's place as soon as the body is parsed: the parsed object
 * needs ten times the memory, and would stay alive while D1 is waited for.
 */
export interface JsonText {
	readonly [IS_JSON_TEXT]: true;
	readonly text: string;
	/** An upper bound of the text's bytes in UTF-8: no stored form is longer than the body that it came in. */
	readonly maxBytes: number;
}

export const jsonText = (text: string, maxBytes: number): JsonText => ({
	[IS_JSON_TEXT]: true,
	text,
	maxBytes,
});

/** Whether a value is a JsonText. No parsed JSON can look like one, because JSON has no symbols. */
export const isJsonText = (value: unknown): value is JsonText =>
	typeof value === 'object' && value !== null && IS_JSON_TEXT in value;

/** The error for an object that is over its limit of `max` bytes. `field` is its name in the request. */
export const tooLarge = (field: string, max: number): ApiError =>
	new ApiError('PAYLOAD_TOO_LARGE', `${field} must have at most ${max} bytes as JSON in UTF-8.`);

/** Returns the text of one object of a body. Throws PAYLOAD_TOO_LARGE when it is over `max` bytes. */
export function textOrTooLarge({ text, maxBytes }: JsonText, field: string, max: number): string {
	if (maxBytes > max && utf8Length(text) > max) throw tooLarge(field, max);
	return text;
}
