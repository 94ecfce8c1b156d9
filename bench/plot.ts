const STYLE = `<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328; } .small { font-size: 11px; fill: #59636e; } .axis { stroke: #d1d9e0; }
.c0 { fill: #0969da; stroke: #0969da; } .c1 { fill: #8c959f; stroke: #8c959f; } .c2 { fill: #d4a72c; stroke: #d4a72c; }
.c3 { fill: #1a7f37; stroke: #1a7f37; } .c4 { fill: #cf222e; stroke: #cf222e; } .c5 { fill: #8250df; stroke: #8250df; }
.line { fill: none; stroke-width: 2; } rect { stroke: none; } text.label { stroke: none; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .small { fill: #9198a1; } .axis { stroke: #3d444d; } }
</style>`;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const svg = (width: number, height: number, title: string, parts: readonly string[]): string =>
	`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
${STYLE}
<text x="16" y="24" font-weight="600">${escaped(title)}</text>
${parts.join('\n')}
</svg>
`;

/** Horizontal bars in groups, one bar for each series. */
export function barPlot(plot: {
	title: string;
	note: string;
	series: readonly string[];
	groups: readonly { name: string; values: readonly number[] }[];
}): string {
	const [left, width, bar] = [170, 760, 14];
	const most = Math.max(...plot.groups.flatMap(({ values }) => values));
	const groupHeight = plot.series.length * (bar + 2) + 14;
	const parts = plot.series.map(
		(name, at) =>
			`<rect class="c${at}" x="${left + at * 190}" y="38" width="12" height="12"/><text x="${left + 18 + at * 190}" y="49">${escaped(name)}</text>`,
	);
	plot.groups.forEach(({ name, values }, group) => {
		const top = 66 + group * groupHeight;
		parts.push(
			`<text x="${left - 10}" y="${top + groupHeight / 2 - 2}" text-anchor="end">${escaped(name)}</text>`,
		);
		values.forEach((value, at) => {
			const length = Math.max(1, (value / most) * (width - left - 60));
			const y = top + at * (bar + 2);
			parts.push(
				`<rect class="c${at}" x="${left}" y="${y}" width="${length.toFixed(1)}" height="${bar}"/>`,
				`<text class="small" x="${(left + length + 6).toFixed(1)}" y="${y + 11}">${value.toFixed(0)}</text>`,
			);
		});
	});
	const height = 66 + plot.groups.length * groupHeight + 28;
	parts.push(`<text class="small" x="16" y="${height - 10}">${escaped(plot.note)}</text>`);
	return svg(width, height, plot.title, parts);
}

/** Lines over equally spaced points of the x axis. The y axis is logarithmic. */
export function linePlot(plot: {
	title: string;
	note: string;
	places: readonly string[];
	lines: readonly { name: string; values: readonly number[] }[];
}): string {
	const [left, top, right, bottom, width, height] = [70, 44, 560, 330, 760, 390];
	const decades = Math.ceil(Math.log10(Math.max(...plot.lines.flatMap(({ values }) => values), 10)));
	const x = (at: number) => left + 40 + (at * (right - left - 80)) / Math.max(1, plot.places.length - 1);
	const y = (value: number) => bottom - (Math.log10(Math.max(1, value)) / decades) * (bottom - top);
	const parts = Array.from({ length: decades + 1 }, (_, power) => {
		const at = y(10 ** power).toFixed(1);
		return `<line class="axis" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text class="small" x="${left - 8}" y="${at}" text-anchor="end" dy="4">${(10 ** power).toLocaleString('en')}</text>`;
	});
	plot.places.forEach((name, at) => {
		parts.push(
			`<text class="small" x="${x(at)}" y="${bottom + 18}" text-anchor="middle">${escaped(name)}</text>`,
		);
	});
	// Labels keep a distance even when lines end at the same height.
	let lowest = Number.POSITIVE_INFINITY;
	const byHeight = plot.lines
		.map((line, at) => ({ ...line, at, end: y(line.values.at(-1) ?? 1) }))
		.sort((a, b) => b.end - a.end);
	for (const { name, values, at, end } of byHeight) {
		const points = values.map((value, place) => `${x(place).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
		lowest = Math.min(end, lowest - 16);
		parts.push(
			`<polyline class="line c${at % 6}" style="fill:none" points="${points}"/>`,
			`<text class="label c${at % 6}" x="${right - 28}" y="${lowest.toFixed(1)}" dy="4">${escaped(name)}</text>`,
		);
	}
	parts.push(`<text class="small" x="16" y="${height - 10}">${escaped(plot.note)}</text>`);
	return svg(width, height, plot.title, parts);
}
