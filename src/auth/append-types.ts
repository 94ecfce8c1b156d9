import { ApiError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import { shortenedText } from '../core/text.ts';

/** How much of the list an error message shows, in characters. A list can have some 5,000. */
const MAX_SHOWN = 800;

/**
 * Whether an item of a key's list allows a type of events. `*` at the end of an item stands for any rest, also an empty one.
 * Everything else must be the same code by code: neither case nor white space nor forms of Unicode are made equal.
 */
const allows = (item: string, type: string): boolean =>
	item.endsWith('*') ? type.startsWith(item.slice(0, -1)) : type === item;

/**
 * Checks that a caller who may append events may append one of this type. Only a key for one session is bound to types. Throws
 * FORBIDDEN.
 */
export function checkMayAppend({ sessionId, appendTypes }: Principal, type: string): void {
	if (sessionId === null || appendTypes.some((item) => allows(item, type))) return;
	const list = appendTypes.map((item) => JSON.stringify(item)).join(', ');
	throw new ApiError(
		'FORBIDDEN',
		`This key may not append an event of this type. It may append these types: ${shortenedText(list, MAX_SHOWN)}.`,
	);
}
