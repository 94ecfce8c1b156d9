/** How a text became another one: whole lines of it were replaced. */
export interface TextChange {
	from: number;
	to: number;
	insert: string;
	/** Where, in the new text, each line begins that is not among the replaced ones. */
	newLines: number[];
}

/**
 * Finds the lines that differ, from the first one to the last one, so that what stays keeps its place and its folds.
 * Undefined when nothing differs.
 */
export function changeBetween(before: string, after: string): TextChange | undefined {
	if (before === after) return undefined;
	const shorter = Math.min(before.length, after.length);
	let head = 0;
	while (head < shorter && before[head] === after[head]) head += 1;
	const from = head === 0 ? 0 : before.lastIndexOf('\n', head - 1) + 1;

	let tail = 0;
	while (tail < shorter - from && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
	const lineBreak = before.indexOf('\n', before.length - tail);
	tail = lineBreak === -1 ? 0 : before.length - lineBreak;

	const to = before.length - tail;
	const insert = after.slice(from, after.length - tail);
	const known = new Set(before.slice(from, to).split('\n').map(withoutComma));
	const newLines: number[] = [];
	let position = from;
	for (const line of insert.split('\n')) {
		if (!known.has(withoutComma(line))) newLines.push(position);
		position += line.length + 1;
	}
	return { from, to, insert, newLines };
}

/** A line that only got a comma, because another one follows it now, is not news. */
const withoutComma = (line: string): string => line.replace(/,$/, '');
