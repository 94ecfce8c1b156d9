/** The length in UTF-8 bytes. */
export function utf8Length(text: string): number {
	return new TextEncoder().encode(text).byteLength;
}

/** The length in Unicode code points; a lone surrogate counts as one. */
export const characters = (text: string): number =>
	text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);

/**
 * Whether a text is what a pattern says. `*` at the end of a pattern stands for any rest, also an empty one. Everything else must be
 * the same code by code: neither case nor white space nor forms of Unicode are made equal.
 */
export const matches = (text: string, pattern: string): boolean =>
	pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;

/** The text, or its first `max` characters and an ellipsis. */
export const shortenedText = (text: string, max: number): string =>
	characters(text) <= max ? text : `${Array.from(text).slice(0, max).join('')}…`;
