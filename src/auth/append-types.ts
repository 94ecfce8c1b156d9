import { ApiError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import { matches, shortenedText } from '../core/text.ts';

/** How much of the list an error message shows, in characters. A list can have some 5,000. */
const MAX_SHOWN = 800;

/**
 * Checks that a caller who may append events may append one of this type. Only a key for one session is bound to types. Throws
 * FORBIDDEN.
 */
export function checkMayAppend({ sessionId, appendTypes }: Principal, type: string): void {
	if (sessionId === null || appendTypes.some((item) => matches(type, item))) return;
	const list = appendTypes.map((item) => JSON.stringify(item)).join(', ');
	throw new ApiError(
		'FORBIDDEN',
		`This key may not append an event of this type. It may append these types: ${shortenedText(list, MAX_SHOWN)}.`,
	);
}
