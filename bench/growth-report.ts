import type { GrowthStep } from './growth.ts';
import { linePlot } from './plot.ts';
import { markdownTable } from './report.ts';

const count = (number: number): string => number.toLocaleString('en');
const sessionsOf = ({ sessions }: GrowthStep): string =>
	sessions === 1 ? '1 session' : `${count(sessions)} sessions`;
/** The steps in the plot: for each size the one with the fewest events. */
const withFewEvents = (steps: readonly GrowthStep[]) =>
	steps.filter(({ events }) => events === steps[0]?.events);

/** A row for each call, and a column for each step. */
export function growthTable(steps: readonly GrowthStep[]): string[][] {
	const header = steps.map((step) => `${sessionsOf(step)}, ${count(step.events)} events`);
	const names = Object.keys(steps[0]?.costs ?? {});
	const cells = (name: string) =>
		steps.map(({ costs }) => `${costs[name]?.rowsRead ?? ''} / ${costs[name]?.rowsWritten ?? ''}`);
	return [['rows read / written', ...header], ...names.map((name) => [name, ...cells(name)])];
}

export const growthMarkdown = (steps: readonly GrowthStep[]): string => `# Growth

Made by \`npm run bench -- --growth\`: the rows that D1 counts for one call, read / written. Each takes one trip.

![Rows read](growth.svg)

${markdownTable(growthTable(steps))}

${withFewEvents(steps)
	.map(
		(step) =>
			`- ${sessionsOf(step)}, ${count(step.own)} of them the caller's own: ${(step.databaseBytes / 1e6).toFixed(1)} MB.`,
	)
	.join('\n')}
`;

export function growthPlot(steps: readonly GrowthStep[]): string {
	const shown = withFewEvents(steps);
	return linePlot({
		title: 'Rows read by one call as the database grows',
		note: "10 events in the session; a tenth of the sessions is the caller's own. D1's own count, the same on any machine.",
		places: shown.map(sessionsOf),
		lines: ['create', 'update', 'append', 'details', 'list', 'list, last page'].map((name) => ({
			name,
			values: shown.map(({ costs }) => costs[name]?.rowsRead ?? 0),
		})),
	});
}
