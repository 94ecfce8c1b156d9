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
