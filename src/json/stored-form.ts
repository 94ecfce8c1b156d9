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

/** A part of the text. */
interface Part {
	from: number;
	to: number;
}

/** A part that the stored form replaces: by another text, or by the stored form of another part. */
interface Edit extends Part {
	by: string | Part;
}

interface Reading extends Cursor {
	/** In the order of the text, except for those of duplicate members. */
	edits: Edit[];
	hasDuplicates: boolean;
	hasSpace: boolean;
	isTooDeep: boolean;
}

/**
 * Reads a value, and returns its stored form: undefined when its objects and arrays nest deeper than `levels`. The work
 * is in proportion to the text, and the recursion no deeper than `levels`.
 */
export function readStoredForm(cursor: Cursor, levels: number): string | undefined {
	nextChar(cursor);
	const { text, at: from } = cursor;
	const reading: Reading = {
		text,
		at: from,
		edits: [],
		hasDuplicates: false,
		hasSpace: false,
		isTooDeep: false,
	};
	readValue(reading, levels);
	cursor.at = reading.at;
	return reading.isTooDeep ? undefined : edited(reading, { from, to: reading.at });
}

function readValue(reading: Reading, levels: number): void {
	const char = reading.text.charCodeAt(reading.at);
	if (char === QUOTE) {
		readString(reading);
	} else if (char !== OPEN_OBJECT && char !== OPEN_ARRAY) {
		skipScalar(reading, char);
	} else if (levels === 0) {
		reading.isTooDeep = true;
		skipValue(reading);
	} else if (char === OPEN_OBJECT) {
		readObject(reading, levels - 1);
	} else {
		readArray(reading, levels - 1);
	}
}

/** Reads a string, and returns its stored form when that is not the text itself. */
function readString(reading: Reading): string | undefined {
	const { text, at: from } = reading;
	if (skipString(reading)) return undefined;
	const { at: to } = reading;
	const sent = text.slice(from, to);
	const by = JSON.stringify(JSON.parse(sent));
	if (by === sent) return undefined;
	reading.edits.push({ from, to, by });
	return by;
}

function skipSpace(reading: Reading): void {
	const { at: from } = reading;
	nextChar(reading);
	if (reading.at > from) reading.hasSpace = true;
}

/** Reads an opening bracket. Returns whether something else than the closing one follows, which it reads too. */
function opens(reading: Reading, closing: number): boolean {
	reading.at += 1;
	skipSpace(reading);
	if (reading.text.charCodeAt(reading.at) !== closing) return true;
	reading.at += 1;
	return false;
}

function readArray(reading: Reading, levels: number): void {
	if (!opens(reading, CLOSE_ARRAY)) return;
	do {
		skipSpace(reading);
		readValue(reading, levels);
		skipSpace(reading);
	} while (goesOn(reading, CLOSE_ARRAY));
}

function readObject(reading: Reading, levels: number): void {
	const { text, edits } = reading;
	/** Where the value of each name is, and the edit that replaces it by that of a duplicate. */
	const values = new Map<string, Part & { edit?: Edit }>();
	if (!opens(reading, CLOSE_OBJECT)) return;
	let end = reading.at;
	do {
		skipSpace(reading);
		const nameAt = reading.at;
		const name = readString(reading) ?? text.slice(nameAt, reading.at);
		skipSpace(reading);
		expectChar(reading, COLON);
		skipSpace(reading);
		const from = reading.at;
		readValue(reading, levels);
		const value = { from, to: reading.at };
		const first = values.get(name);
		if (first) {
			if (first.edit) first.edit.by = value;
			else {
				first.edit = { from: first.from, to: first.to, by: value };
				edits.push(first.edit);
			}
			edits.push({ from: end, to: value.to, by: '' });
			reading.hasDuplicates = true;
		} else {
			values.set(name, value);
		}
		end = value.to;
		skipSpace(reading);
	} while (goesOn(reading, CLOSE_OBJECT));
}

/** The part `whole` of a text with its edits. An edit leaves those within its part out. */
function edited({ text, edits, hasDuplicates, hasSpace }: Reading, whole: Part): string {
	const sent = hasSpace ? withoutSpace : (all: string, from: number, to: number) => all.slice(from, to);
	if (edits.length === 0) return sent(text, whole.from, whole.to);
	if (hasDuplicates) edits.sort(inOrder);
	const pieces: string[] = [];
	const add = ({ from, to }: Part) => {
		let at = from;
		let next = firstFrom(edits, from);
		for (let edit = edits[next]; edit && edit.from < to; edit = edits[next]) {
			pieces.push(sent(text, at, edit.from));
			if (typeof edit.by !== 'string') add(edit.by);
			else if (edit.by !== '') pieces.push(edit.by);
			at = edit.to;
			next += 1;
			const following = edits[next];
			if (following && following.from < at) next = firstFrom(edits, at);
		}
		pieces.push(sent(text, at, to));
	};
	add(whole);
	return pieces.join('');
}

/** What is copied at once. More characters than the engine takes as arguments would be too many. */
const copied = new Uint16Array(8192);
/** Strings from this length on are taken as they are. */
const LONG_STRING = 64;

/**
 * A part of valid JSON that begins and ends outside of strings, without its white space. A text can be mostly white space, and an edit
 * for each would cost more than a copy of all characters.
 */
function withoutSpace(text: string, from: number, to: number): string {
	let copy = '';
	let count = 0;
	const takeCopied = () => {
		copy += String.fromCharCode.apply(undefined, copied.subarray(0, count) as unknown as number[]);
		count = 0;
	};
	const cursor = { text, at: from };
	while (nextChar(cursor) && cursor.at < to) {
		const { at } = cursor;
		if (text.charCodeAt(at) === QUOTE) skipString(cursor);
		else cursor.at += 1;
		if (count + LONG_STRING > copied.length) takeCopied();
		if (cursor.at - at < LONG_STRING) {
			for (let next = at; next < cursor.at; next += 1) copied[count++] = text.charCodeAt(next);
		} else {
			takeCopied();
			copy += text.slice(at, cursor.at);
		}
	}
	takeCopied();
	return copy;
}

/**
 * Orders edits by their place. Of two that begin at the same place, the one that counts comes first: the longer one, and of
 * two edits of a string the one that a duplicate replaces it with.
 */
const inOrder = (a: Edit, b: Edit): number =>
	a.from - b.from || b.to - a.to || Number(typeof a.by === 'string') - Number(typeof b.by === 'string');

/** The index of the first edit that begins at a place or after it. */
function firstFrom(edits: readonly Edit[], place: number): number {
	let low = 0;
	let high = edits.length;
	while (low < high) {
		const middle = (low + high) >>> 1;
		const edit = edits[middle];
		if (edit && edit.from < place) low = middle + 1;
		else high = middle;
	}
	return low;
}
