/** A table in Markdown, in columns that also read well in a terminal. The first row is the header. */
export function markdownTable([header = [], ...rows]: readonly (readonly string[])[]): string {
	const widths = header.map((title, at) =>
		Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)),
	);
	const line = (cells: readonly string[]) =>
		`| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`;
	// Figures stand at the right of their columns.
	const rule = `| ${widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
	return [line(header), rule, ...rows.map(line)].join('\n');
}
