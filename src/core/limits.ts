/** The limits of what may be sent, each with its origin. */
export const limits = {
	/** Bytes. Room for one full session with escapes. */
	requestBody: 2 * 1024 * 1024,
	/** UTF-8 bytes of one stored object. Four of them keep a row under D1's 2,000,000. */
	storedObject: 400_000,
	/** UTF-8 bytes of a merge patch for one object: what D1 takes as one parameter. */
	boundText: 2_000_000,
	/** UTF-8 bytes of an event's payload. */
	eventPayload: 64 * 1024,
	/** Levels of objects and arrays within one another, the outermost counted. SQLite's own limit is 1,000. */
	nesting: 100,
	/** Characters (Unicode code points, as in JSON Schema and in SQLite's length()). */
	name: 255,
	message: 10_000,
	idempotencyKey: 255,
} as const;

/** The length in UTF-8 bytes. */
export function utf8Length(text: string): number {
	return new TextEncoder().encode(text).byteLength;
}

/** The length in Unicode code points; a lone surrogate counts as one. */
export function characters(text: string): number {
	let pairs = 0;
	for (let at = 1; at < text.length; at += 1) {
		if (isSurrogate(text, at, 0xdc00) && isSurrogate(text, at - 1, 0xd800)) pairs += 1;
	}
	return text.length - pairs;
}

/** High surrogates begin at U+D800, low ones at U+DC00; there are 1,024 of each. */
const isSurrogate = (text: string, at: number, first: 0xd800 | 0xdc00): boolean =>
	(text.charCodeAt(at) & 0xfc00) === first;

/** Whether objects and arrays stand more than `levels` deep within one another. Goes no deeper than that itself. */
export function nestsDeeperThan(levels: number, value: unknown): boolean {
	if (typeof value !== 'object' || value === null) return false;
	if (levels === 0) return true;
	if (Array.isArray(value)) return value.some((item) => nestsDeeperThan(levels - 1, item));
	// Without Object.values, which would make an array for each object of a large body.
	for (const name in value) {
		if (nestsDeeperThan(levels - 1, (value as Record<string, unknown>)[name])) return true;
	}
	return false;
}
