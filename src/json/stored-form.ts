import {
	CLOSE_ARRAY,
	CLOSE_OBJECT,
	COLON,
	type Cursor,
	expectChar,
	goesOn,
	nextChar,
	OPEN_ARRAY,
	OPEN_OBJECT,
	QUOTE,
	skipScalar,
	skipString,
	skipValue,
} from './cursor.ts';

/**
 * The stored form of JSON is the text that was sent, without white space and with only the necessary escapes. It is
 * text because a parsed value loses information: JavaScript moves integer-like member names to the front, turns -0 into
 * 0, and numbers beyond a double's range into null. Of members with the same name the last value counts, in the first
 * one's place, as in JSON.parse.
 */

interface Reading extends Cursor {
	isTooDeep: boolean;
}

/**
 * Reads a value, and returns its stored form: undefined when its objects and arrays nest deeper than `levels`. The work
 * is in proportion to the text, and the recursion no deeper than `levels`.
 */
export function readStoredForm(cursor: Cursor, levels: number): string | undefined {
	nextChar(cursor);
	const reading: Reading = { text: cursor.text, at: cursor.at, isTooDeep: false };
	const stored = readValue(reading, levels) ?? cursor.text.slice(cursor.at, reading.at);
	cursor.at = reading.at;
	return reading.isTooDeep ? undefined : stored;
}

/*
 * The functions below return undefined for what is stored as it was sent. Otherwise they concatenate: JavaScript copies
 * concatenated strings only at the end, so no text is copied once for each level above it.
 */

function readValue(reading: Reading, levels: number): string | undefined {
	const char = reading.text.charCodeAt(reading.at);
	if (char === QUOTE) return readString(reading);
	if (char !== OPEN_OBJECT && char !== OPEN_ARRAY) {
		skipScalar(reading, char);
	} else if (levels > 0) {
		return char === OPEN_OBJECT ? readObject(reading, levels - 1) : readArray(reading, levels - 1);
	} else {
		reading.isTooDeep = true;
		skipValue(reading);
	}
	return undefined;
}

function readString(reading: Reading): string | undefined {
	const { text, at: start } = reading;
	if (skipString(reading)) return undefined;
	const sent = text.slice(start, reading.at);
	const shortest = JSON.stringify(JSON.parse(sent));
	return shortest === sent ? undefined : shortest;
}

function readArray(reading: Reading, levels: number): string | undefined {
	const { text } = reading;
	let stored = '';
	/** Where the text begins that is not yet in `stored`. */
	let from = reading.at;
	const skipSpace = () => {
		const { at } = reading;
		nextChar(reading);
		if (reading.at === at) return;
		stored += text.slice(from, at);
		from = reading.at;
	};
	const start = reading.at;
	reading.at += 1;
	skipSpace();
	let isOpen = text.charCodeAt(reading.at) !== CLOSE_ARRAY;
	if (!isOpen) reading.at += 1;
	while (isOpen) {
		skipSpace();
		const { at } = reading;
		const item = readValue(reading, levels);
		if (item !== undefined) {
			stored += text.slice(from, at) + item;
			from = reading.at;
		}
		skipSpace();
		isOpen = goesOn(reading, CLOSE_ARRAY);
	}
	return from === start ? undefined : stored + text.slice(from, reading.at);
}

function readObject(reading: Reading, levels: number): string | undefined {
	const { text } = reading;
	const members = new Map<string, string>();
	let isAsSent = true;
	const skipSpace = () => {
		const { at } = reading;
		nextChar(reading);
		if (reading.at > at) isAsSent = false;
	};
	reading.at += 1;
	skipSpace();
	let isOpen = text.charCodeAt(reading.at) !== CLOSE_OBJECT;
	if (!isOpen) reading.at += 1;
	while (isOpen) {
		skipSpace();
		const nameAt = reading.at;
		let name = readString(reading);
		if (name === undefined) name = text.slice(nameAt, reading.at);
		else isAsSent = false;
		skipSpace();
		expectChar(reading, COLON);
		skipSpace();
		const valueAt = reading.at;
		let value = readValue(reading, levels);
		if (value === undefined) value = text.slice(valueAt, reading.at);
		else isAsSent = false;
		if (members.has(name)) isAsSent = false;
		members.set(name, value);
		skipSpace();
		isOpen = goesOn(reading, CLOSE_OBJECT);
	}
	if (isAsSent) return undefined;
	let stored = '';
	for (const [name, value] of members) stored += stored === '' ? `{${name}:${value}` : `,${name}:${value}`;
	return stored === '' ? '{}' : `${stored}}`;
}
