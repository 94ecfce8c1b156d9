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

/**
 * A name with at most so many characters, without its middle. Where the end would hide how the name differs from the others,
 * what it has in common with them is left out instead.
 */
export function shortened(name: string, most: number, alike: number): string {
	if (name.length <= most || most < 5) return name;
	const head = Math.floor((most - 1) / 3);
	const tail = most - 1 - head;
	if (alike > head && name.length - alike > tail) {
		const room = most - Math.floor(most / 4) - 2;
		return `${name.slice(0, most - 2 - room)}…${name.slice(alike, alike + room)}…`;
	}
	return `${name.slice(0, head)}…${name.slice(name.length - tail)}`;
}

/** So many characters in common are worth leaving out of a name that is cut at its end. */
const LONG = 10;

/** A name for a narrow column, without what it has in common with the others. */
export const ownPartOf = (name: string, alike: number): string =>
	alike < LONG ? name : `…${name.slice(alike)}`;
