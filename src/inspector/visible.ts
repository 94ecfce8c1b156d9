// Controls of direction, characters without a width, and the controls of ASCII and Latin-1 other than the tab and the line break.
const HIDDEN =
	// biome-ignore lint/suspicious/noControlCharactersInRegex: These are the characters to show.
	/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200c\u200e\u200f\u202a-\u202e\u2028\u2029\u2060-\u2064\u2066-\u2069\ufeff]/g;

const codeOf = (character: string): string =>
	`⟨U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`;

/** A text whose characters are all seen: what would be invisible, or would reorder the others, is shown by its number. */
export const visible = (text: string): string => text.replace(HIDDEN, codeOf);

/** The same in one line. */
export const inOneLine = (text: string): string => visible(text.replace(/\s*\r?\n\s*/g, ' ⏎ '));
