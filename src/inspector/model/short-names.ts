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

/** The last word of a name, or the last two where the last is short. */
const LAST_WORDS =
	/[^\p{L}\p{N}\p{M}]*(?:[\p{L}\p{N}\p{M}]{4,}|[\p{L}\p{N}\p{M}]+[^\p{L}\p{N}\p{M}]+[\p{L}\p{N}\p{M}]{1,3})$/u;

/** A name in two parts. Where there is no room, the first one gives way, and the second tells how the name differs from others. */
export function partsOf(name: string, alike: number): [head: string, tail: string] {
	const at = alike >= LONG ? alike : (LAST_WORDS.exec(name)?.index ?? 0);
	return [name.slice(0, at), name.slice(at)];
}
