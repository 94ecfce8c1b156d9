/** How many characters names begin with alike, up to the end of a word: 18 of `write:chapter-no-1` and `write:chapter-no-12`. */
export function alikeIn(names: readonly string[]): number {
	const [first = '', ...others] = names;
	if (others.length === 0) return 0;
	let length = first.length;
	for (const name of others) {
		let at = 0;
		while (at < length && name[at] === first[at]) at += 1;
		length = at;
	}
	return first.slice(0, length).replace(/[\p{L}\p{N}\p{M}]*$/u, '').length;
}

/** So many characters in common are worth leaving out of a name that is cut at its end. */
const LONG = 10;

/** A name for a narrow column, without what it has in common with the others. */
export const ownPartOf = (name: string, alike: number): string =>
	alike < LONG ? name : `…${name.slice(alike)}`;

/** A version at the end is a part of it. */
const LAST_WORD = /[^\p{L}\p{N}\p{M}]*[\p{L}\p{N}\p{M}]+(?:[^\p{L}\p{N}\p{M}]+v\d+)?[^\p{L}\p{N}\p{M}]*$/iu;

/** A name in two parts. Where there is no room, the first one gives way, and the last word tells how the name differs from others. */
export function partsOf(name: string): [head: string, tail: string] {
	const at = LAST_WORD.exec(name)?.index ?? 0;
	return [name.slice(0, at), name.slice(at)];
}
