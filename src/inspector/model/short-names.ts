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
 * A name with at most so many characters. What it has in common with the others is left out first, so that names which differ
 * in their middle can still be told apart; otherwise its own middle is left out.
 */
export function shortened(name: string, most: number, alike: number): string {
	if (name.length <= most || most < 5) return name;
	const head = Math.floor((most - 1) / 3);
	if (alike > head) {
		const own = name.slice(alike);
		const begin = name.slice(0, Math.max(Math.floor(most / 4), most - 1 - own.length));
		const room = most - 1 - begin.length;
		return `${begin}…${own.length <= room ? own : `${own.slice(0, room - 1)}…`}`;
	}
	return `${name.slice(0, head)}…${name.slice(name.length - (most - 1 - head))}`;
}
