/** The length in UTF-8 bytes. */
export function utf8Length(text: string): number {
	return new TextEncoder().encode(text).byteLength;
}

/** The length in Unicode code points; a lone surrogate counts as one. */
export const characters = (text: string): number =>
	text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);

/** The text, or its first `max` characters and an ellipsis. */
export const shortenedText = (text: string, max: number): string =>
	characters(text) <= max ? text : `${Array.from(text).slice(0, max).join('')}…`;
