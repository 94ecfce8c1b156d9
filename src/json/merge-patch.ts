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
	const pieces: string[] = [];
	addMerged(pieces, into, 0, nested(patch), 0);
	return pieces.join('');
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

/**
 * Splits a patch into patches that change one place each. Merged one after the other, they make the same text as the whole.
 * `members` is the number of members of all of them together. Undefined when they would have more than `max` characters.
 */
export function singleChanges(
	patch: string,
	max: number,
): { patches: string[]; members: number } | undefined {
	const text = nested(patch);
	const patches: string[] = [];
	let members = 0;
	let characters = 0;
	const split = (at: number, before: string, after: string): boolean => {
		for (const [name, place] of membersAt(text, at)) {
			const value = valueAt(text, place);
			const head = `${before}{${name}:`;
			if (value.startsWith('{') && value !== '{}') {
				if (!split(place, head, `}${after}`)) return false;
				continue;
			}
			characters += head.length + value.length + after.length + 1;
			if (characters > max) return false;
			patches.push(`${head}${value}}${after}`);
			members += after.length + 1;
		}
		return true;
	};
	return split(0, '', '') ? { patches, members } : undefined;
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

/**
 * Adds the pieces of the merged text, which are joined once: joining them at each level would copy them as often. It recurses
 * as deep as the patch nests, which the reader of the body limits.
 */
function addMerged(
	pieces: string[],
	target: Nested | undefined,
	targetAt: number,
	patch: Nested,
	patchAt: number,
): void {
	// A number is the index of a value in the target, a string the text of a new value, and the rest is to be merged.
	const members = new Map<string, number | string | { into: number | undefined; place: number }>(
		target ? membersAt(target, targetAt) : [],
	);
	for (const [name, place] of membersAt(patch, patchAt)) {
		const char = patch.text.charAt(place);
		if (char === 'n') {
			members.delete(name);
		} else if (char === '{') {
			const old = members.get(name);
			const isObject = typeof old === 'number' && target?.text.charAt(old) === '{';
			members.set(name, { into: isObject ? old : undefined, place });
		} else {
			members.set(name, valueAt(patch, place));
		}
	}
	pieces.push('{');
	let separator = '';
	for (const [name, value] of members) {
		pieces.push(separator, name, ':');
		separator = ',';
		if (typeof value === 'string') pieces.push(value);
		else if (typeof value !== 'number')
			addMerged(pieces, value.into === undefined ? undefined : target, value.into ?? 0, patch, value.place);
		else if (target) pieces.push(valueAt(target, value));
	}
	pieces.push('}');
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
