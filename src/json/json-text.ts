import { ApiError } from '../core/errors.ts';
import { utf8Length } from '../core/limits.ts';

const IS_STORED_OBJECT = Symbol('stored object');

/**
 * What stands for an object from the moment its body was parsed: its stored form. The object itself, ten times as large,
 * is thus free before D1 is waited for, and nothing tells it from its text later on.
 */
export interface StoredObject {
	readonly [IS_STORED_OBJECT]: true;
	readonly text: string;
	/** What the text has at the most, in bytes of UTF-8: no stored form is longer than the body that it came in. */
	readonly mostBytes: number;
}

export const storedObject = (text: string, mostBytes: number): StoredObject => ({
	[IS_STORED_OBJECT]: true,
	text,
	mostBytes,
});

/** Nothing that was sent can be taken for one: JSON has no symbols. */
export const isStoredObject = (value: unknown): value is StoredObject =>
	typeof value === 'object' && value !== null && IS_STORED_OBJECT in value;

/** The error for an object that is larger than what is stored of one. `field` is its name in the request. */
export const tooLarge = (field: string, most: number): ApiError =>
	new ApiError('PAYLOAD_TOO_LARGE', `${field} is over ${most} bytes as JSON in UTF-8.`);

/** The text of one object of a body. Throws PAYLOAD_TOO_LARGE when it is over `most` bytes. */
export function textWithin({ text, mostBytes }: StoredObject, field: string, most: number): string {
	if (mostBytes > most && utf8Length(text) > most) throw tooLarge(field, most);
	return text;
}
