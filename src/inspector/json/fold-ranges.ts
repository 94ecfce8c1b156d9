export interface Range {
	from: number;
	to: number;
}

const indentOf = (line: string): number => line.length - line.trimStart().length;

/**
 * The ranges that fold in a text, by the place where their first line begins. They follow the indentation, which is how
 * the page lays JSON out. It reads each line once, however deep the text nests.
 */
export function foldRanges(lines: Iterable<string>): ReadonlyMap<number, Range> {
	const ranges = new Map<number, Range>();
	/** The lines whose ranges are open, each indented further than the one before. */
	const open: { start: number; end: number; indent: number }[] = [];
	let start = 0;
	for (const line of lines) {
		const indent = indentOf(line);
		if (line.trim() !== '') {
			for (let last = open.at(-1); last && indent <= last.indent; last = open.at(-1)) {
				ranges.set(last.start, { from: last.end, to: start + last.indent });
				open.pop();
			}
			if (/[{[]\s*$/.test(line)) open.push({ start, end: start + line.length, indent });
		}
		start += line.length + 1;
	}
	return ranges;
}
