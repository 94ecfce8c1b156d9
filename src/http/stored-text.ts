import { ApiError } from './errors.ts';
import type { MemberTexts } from './json-text.ts';
import { utf8Length } from './limits.ts';

/** The error for an object that is larger than what is stored of one. `field` is its name in the request. */
export const tooLarge = (field: string, most: number): ApiError =>
	new ApiError('PAYLOAD_TOO_LARGE', `${field} is over ${most} bytes as JSON in UTF-8.`);

/** The stored form of one object of a body. Throws PAYLOAD_TOO_LARGE when it is over `most` bytes. */
export function storedText(memberText: MemberTexts, field: string, most: number): string {
	const text = memberText(field);
	if (utf8Length(text) > most) throw tooLarge(field, most);
	return text;
}
