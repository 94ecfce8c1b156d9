/**
 * RFC 7396 on JSON texts in their stored form: without white space, without duplicate members, and with only the
 * necessary escapes in names. It works on texts, because a parsed value loses the order of members and the literals of
 * numbers.
 */

/**
 * Merges a patch into an object, and returns the same text as SQLite's json_patch, byte for byte: a changed member
 * keeps its place and a new one is appended. Null and any value but an object count as an empty object. It takes linear
 * time.
 */
export function mergePatch(target: string | null, patch: string): string {
	const into = target?.startsWith('{') ? nested(target) : undefined;
	return merged(into, 0, nested(patch), 0);
}

/**
 * Counts the members of an object and of its nested objects. Objects within arrays do not count, because a merge does
 * not change arrays.
 */
export function countMembers(text: string): number {
	let members = 0;
	let arrays = 0;
	for (let at = 0; at < text.length; ) {
		const char = text.charAt(at);
		if (char === '"') {
			at = endOfString(text, at);
			continue;
		}
		if (char === '[') arrays += 1;
		else if (char === ']') arrays -= 1;
		else if (char === ':' && arrays === 0) members += 1;
		at += 1;
	}
	return members;
}

/** A text with the end of each object and array, which allows skipping a value without reading it again. */
interface Nested {
	text: string;
	/** Maps the index of an opening bracket to the index after the closing one. */
	ends: Int32Array;
}

function nested(text: string): Nested {
	const ends = new Int32Array(text.length);
	const open: number[] = [];
	for (let at = 0; at < text.length; ) {
		const char = text.charAt(at);
		if (char === '"') {
			at = endOfString(text, at);
			continue;
		}
		at += 1;
		if (char === '{' || char === '[') open.push(at - 1);
		else if (char === '}' || char === ']') ends[open.pop() ?? 0] = at;
	}
	return { text, ends };
}

function valueAt({ text, ends }: Nested, start: number): string {
	const char = text.charAt(start);
	if (char === '"') return text.slice(start, endOfString(text, start));
	if (char === '{' || char === '[') return text.slice(start, ends[start]);
	return text.slice(start, endOfLiteral(text, start));
}

/** The members of the object at `start`: the name as written, and the index of the value. */
function* membersAt({ text, ends }: Nested, start: number): Generator<[name: string, place: number]> {
	for (let at = start + 1; text.charAt(at) !== '}'; ) {
		if (text.charAt(at) === ',') at += 1;
		const name = text.slice(at, endOfString(text, at));
		const place = at + name.length + 1;
		yield [name, place];
		const char = text.charAt(place);
		if (char === '"') at = endOfString(text, place);
		else if (char === '{' || char === '[') at = ends[place] ?? text.length;
		else at = endOfLiteral(text, place);
	}
}

/** Recurses as deep as the patch nests, which the reader of the body limits. */
function merged(target: Nested | undefined, targetAt: number, patch: Nested, patchAt: number): string {
	// A number is the index of a value in the target. A string is the text of a new value.
	const members = new Map<string, number | string>(target ? membersAt(target, targetAt) : []);
	for (const [name, place] of membersAt(patch, patchAt)) {
		const char = patch.text.charAt(place);
		if (char === 'n') {
			members.delete(name);
		} else if (char === '{') {
			const old = members.get(name);
			const isObject = typeof old === 'number' && target?.text.charAt(old) === '{';
			members.set(name, isObject ? merged(target, old, patch, place) : merged(undefined, 0, patch, place));
		} else {
			members.set(name, valueAt(patch, place));
		}
	}
	// JavaScript copies concatenated strings only at the end, so a member is not copied once for each level above it.
	let text = '';
	for (const [name, value] of members) {
		const member = typeof value === 'number' && target ? valueAt(target, value) : value;
		text += text === '' ? `${name}:${member}` : `,${name}:${member}`;
	}
	return `{${text}}`;
}

/** The index after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
	for (let quote = text.indexOf('"', start + 1); ; quote = text.indexOf('"', quote + 1)) {
		let before = quote - 1;
		while (text.charAt(before) === '\\') before -= 1;
		const backslashes = quote - 1 - before;
		if (backslashes % 2 === 0) return quote + 1;
	}
}

/** The index after the number, true, false or null that begins at `start`. */
function endOfLiteral(text: string, start: number): number {
	let end = start + 1;
	while (end < text.length && !',]}'.includes(text.charAt(end))) end += 1;
	return end;
}
