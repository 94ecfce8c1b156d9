/** What names begin with alike, up to the end of a word: `write:chapter-` of `write:chapter-1` and `write:chapter-12`. */
export function alikeIn(names: readonly string[]): string {
	const [first = '', ...others] = names;
	if (others.length === 0) return '';
	let length = first.length;
	for (const name of others) {
		let at = 0;
		while (at < length && name[at] === first[at]) at += 1;
		length = at;
	}
	return first.slice(0, length).replace(/[\p{L}\p{N}\p{M}]*$/u, '');
}

/** So many characters in common are worth leaving out of a name that is cut at its end. */
const LONG = 10;

/** What is shorter tells little alone, such as a number. */
const SHORT = 6;
const LAST_COMMON_WORD = /[\p{L}\p{N}\p{M}]*[^\p{L}\p{N}\p{M}]*$/u;

/** A name for a narrow column, without what it has in common with the others: `…chapter-14` of `translate:chapter-14`. */
export function ownPartOf(name: string, alike: string): string {
	if (alike.length < LONG || !name.startsWith(alike)) return name;
	const own = name.slice(alike.length);
	const before = own.length < SHORT ? LAST_COMMON_WORD.exec(alike)?.[0] : '';
	return `…${before}${own}`;
}

/** A version at the end is a part of it. */
const LAST_WORD = /[^\p{L}\p{N}\p{M}]*[\p{L}\p{N}\p{M}]+(?:[^\p{L}\p{N}\p{M}]+v\d+)?[^\p{L}\p{N}\p{M}]*$/iu;

/** A name in two parts. Where there is no room, the first one gives way, and the last word tells how the name differs from others. */
export function partsOf(name: string): [head: string, tail: string] {
	const at = LAST_WORD.exec(name)?.index ?? 0;
	return [name.slice(0, at), name.slice(at)];
}

const MAX_IN_TEXT = 60;
const END_IN_TEXT = 15;

/** A name within a text: of a very long one, its beginning and its end. */
export function inText(name: string): string {
	const letters = [...name];
	if (letters.length <= MAX_IN_TEXT) return name;
	return `${letters.slice(0, MAX_IN_TEXT - END_IN_TEXT).join('')}…${letters.slice(-END_IN_TEXT).join('')}`;
}
