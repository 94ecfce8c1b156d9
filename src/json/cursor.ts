import { ApiError } from '../core/errors.ts';

/**
 * Reads JSON, RFC 8259. Each function reads what begins at the cursor, visits each character once, leaves the cursor after
 * it, and throws INVALID_JSON when it is not valid. The depth of a value does not matter.
 */

/** A place in a JSON text. */
export interface Cursor {
	readonly text: string;
	at: number;
}

export const QUOTE = 0x22;
const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_ARRAY = 0x5b;
export const CLOSE_ARRAY = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;

/** Skips white space, and returns the next character's code: NaN at the end. */
export function nextChar(cursor: Cursor): number {
	const { text } = cursor;
	for (;;) {
		const char = text.charCodeAt(cursor.at);
		// Space, tab, line feed, carriage return.
		if (char !== 0x20 && char !== 0x09 && char !== 0x0a && char !== 0x0d) return char;
		cursor.at += 1;
	}
}

/** Reads one character, after white space. */
export function expectChar(cursor: Cursor, char: number): void {
	if (nextChar(cursor) !== char) throw invalidJson(cursor);
	cursor.at += 1;
}

/** Reads to the end of the text, where only white space is left. */
export function expectEnd(cursor: Cursor): void {
	nextChar(cursor);
	if (cursor.at < cursor.text.length) throw invalidJson(cursor);
}

/**
 * Reads the separator after a member or an item, or the closing bracket. Returns whether the object or array goes on.
 */
export function goesOn(cursor: Cursor, closing: number): boolean {
	const char = nextChar(cursor);
	if (char !== COMMA && char !== closing) throw invalidJson(cursor);
	cursor.at += 1;
	return char === COMMA;
}

/** Reads an opening bracket. If the closing one follows, it reads that too, and returns true. */
export function isEmptyAfterOpening(cursor: Cursor, closing: number): boolean {
	cursor.at += 1;
	if (nextChar(cursor) !== closing) return false;
	cursor.at += 1;
	return true;
}

/** Reads the name of a member and its colon, after white space. */
function skipName(cursor: Cursor): void {
	nextChar(cursor);
	skipString(cursor);
	expectChar(cursor, COLON);
}

/** Reads any value, after white space. It does not recurse. */
export function skipValue(cursor: Cursor): void {
	const closings: number[] = [];
	do {
		const char = nextChar(cursor);
		if (char === OPEN_OBJECT || char === OPEN_ARRAY) {
			const closing = char === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY;
			if (!isEmptyAfterOpening(cursor, closing)) {
				closings.push(closing);
				if (closing === CLOSE_OBJECT) skipName(cursor);
				continue;
			}
		} else {
			skipScalar(cursor, char);
		}
		for (let closing = closings.at(-1); closing !== undefined; closing = closings.at(-1)) {
			if (goesOn(cursor, closing)) {
				if (closing === CLOSE_OBJECT) skipName(cursor);
				break;
			}
			closings.pop();
		}
	} while (closings.length > 0);
}

/** Reads a string, a number, true, false or null, which begins with `char`. */
export function skipScalar(cursor: Cursor, char: number): void {
	if (char === QUOTE) skipString(cursor);
	else if (char === MINUS || isDigit(char)) skipNumber(cursor);
	else {
		const word = ['true', 'false', 'null'].find((each) => cursor.text.startsWith(each, cursor.at));
		if (word === undefined) throw invalidJson(cursor);
		cursor.at += word.length;
	}
}

const BACKSLASH = 0x5c;
const SLASH = 0x2f;
const LETTER_U = 0x75;
/** The characters after a backslash in the escapes that JSON.stringify writes, apart from \u. */
const SHORT_ESCAPES = new Set(Array.from('"\\bfnrt', (char) => char.charCodeAt(0)));

/** What must not stand in a string, and what begins an escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings.
const SPECIAL = /[\\\u0000-\u001f]/;
const MIN_SEARCHED = 12;

/** Reads a string. Returns whether JSON.stringify would write it with the same escapes. */
export function skipString(cursor: Cursor): boolean {
	const { text } = cursor;
	if (text.charCodeAt(cursor.at) !== QUOTE) throw invalidJson(cursor);
	let at = cursor.at + 1;
	// The engine's own search makes long strings cheap before the loop below is compiled.
	const quote = text.indexOf('"', at);
	if (quote - at >= MIN_SEARCHED && !SPECIAL.test(text.slice(at, quote))) {
		cursor.at = quote + 1;
		return true;
	}
	let isShortest = true;
	for (let char = text.charCodeAt(at); char !== QUOTE; char = text.charCodeAt(at)) {
		// A control character, or NaN at the end of the text.
		if (!(char >= 0x20)) throw invalidJson({ text, at });
		at += 1;
		if (char !== BACKSLASH) continue;
		const escaped = text.charCodeAt(at);
		at += 1;
		if (SHORT_ESCAPES.has(escaped)) continue;
		isShortest = false;
		if (escaped === SLASH) continue;
		if (escaped !== LETTER_U || !isHex(text, at)) throw invalidJson({ text, at: at - 2 });
		at += 4;
	}
	cursor.at = at + 1;
	return isShortest;
}

/** Whether four hex digits begin at a place. */
function isHex(text: string, start: number): boolean {
	for (let at = start; at < start + 4; at += 1) {
		const char = text.charCodeAt(at);
		// In lower case: 'a' to 'f'.
		const letter = char | 0x20;
		if (!isDigit(char) && !(letter >= 0x61 && letter <= 0x66)) return false;
	}
	return true;
}

const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const LOWER_E = 0x65;

const isDigit = (char: number): boolean => char >= ZERO && char <= 0x39;

function skipNumber(cursor: Cursor): void {
	const { text } = cursor;
	if (text.charCodeAt(cursor.at) === MINUS) cursor.at += 1;
	if (text.charCodeAt(cursor.at) === ZERO) cursor.at += 1;
	else skipDigits(cursor);
	if (text.charCodeAt(cursor.at) === POINT) {
		cursor.at += 1;
		skipDigits(cursor);
	}
	if ((text.charCodeAt(cursor.at) | 0x20) === LOWER_E) {
		cursor.at += 1;
		const sign = text.charCodeAt(cursor.at);
		if (sign === MINUS || sign === PLUS) cursor.at += 1;
		skipDigits(cursor);
	}
}

/** Reads one digit or more. */
function skipDigits(cursor: Cursor): void {
	const { text, at: start } = cursor;
	let at = start;
	while (isDigit(text.charCodeAt(at))) at += 1;
	cursor.at = at;
	if (at === start) throw invalidJson(cursor);
}

const invalidJson = ({ text, at }: Cursor): ApiError =>
	new ApiError(
		'INVALID_JSON',
		at < text.length
			? `The body is not valid JSON: character ${at + 1} is not allowed there.`
			: 'The body is not valid JSON: it ends too early.',
	);
