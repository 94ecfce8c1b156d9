import { gzipSync } from 'node:zlib';
import { type Call, calls, endpointNames, nameOf } from './calls.ts';
import type { Contender, ContenderName, Cost } from './contenders.ts';
import { describe, machine } from './machine.ts';
import { markdownTable } from './markdown-table.ts';
import { type Effort, HEADLINE_CONNECTIONS, type Measurement } from './measure.ts';
import { rounded } from './statistics.ts';
import type { stepsOf } from './steps.ts';

interface Measured {
	effort: Effort;
	measurements: Measurement[];
	costs: { unknownKey: Cost; known: Map<Call, Cost> };
	steps: Awaited<ReturnType<typeof stepsOf>>;
	contenders: Record<ContenderName, Contender>;
	script: string;
	startupMs: number;
	miniflaresLimiter: { requestsPerSecond: number; ratioToFloor: number };
}

/** All results, for programs. `endpoints` contains the headline of each endpoint, and `variants` all calls. */
export function reportOf(measured: Measured) {
	const { measurements, costs, contenders, script } = measured;
	const variants = measurements.map((measurement) => variant(measurement, costs.known.get(measurement.call)));
	const headlines = endpointNames.map((name) => {
		const call = calls.find(({ endpoint }) => endpoint === name);
		const at = measurements.findIndex(
			(each) => each.call === call && each.connections === HEADLINE_CONNECTIONS,
		);
		const headline = variants[at];
		if (!headline) throw new Error(`${name} was not measured`);
		return headline;
	});
	const bytes = Buffer.from(script);
	return {
		endpoints: headlines,
		bundle: { bytes: bytes.length, gzipBytes: gzipSync(bytes).length },
		startupMs: rounded(measured.startupMs),
		variants,
		unknownKey: costs.unknownKey,
		/** Ten events and a patch, as one step and as eleven calls. */
		steps: measured.steps,
		peakMemoryBytes: {
			service: contenders.service.peakMemory(),
			floor: contenders.floor.peakMemory(),
			usual: contenders.usual.peakMemory(),
		},
		/** The headline update with Miniflare's own stand-in for the rate limiter, which writes to SQLite on each call. */
		updateWithMiniflaresRateLimiter: measured.miniflaresLimiter,
		effort: measured.effort,
		machine: machine(),
	};
}
type Report = ReturnType<typeof reportOf>;

function variant({ call, connections, figures, ratiosToFloor }: Measurement, cost: Cost | undefined) {
	const { service, floor, usual } = figures;
	if (!cost) throw new Error(`${nameOf(call)} has no cost`);
	return {
		name: call.endpoint,
		variant: call.variant,
		connections,
		...cost,
		requestsPerSecond: service.requestsPerSecond,
		floorRequestsPerSecond: floor.requestsPerSecond,
		ratioToFloor: rounded(service.requestsPerSecond / floor.requestsPerSecond),
		ratiosToFloor: ratiosToFloor.map(rounded),
		usualRequestsPerSecond: usual.requestsPerSecond,
		p50Ms: service.p50Ms,
		p99Ms: service.p99Ms,
		floor,
		usual,
		processorMs: service.processorMs,
		/** The floor’s processor time of one request divided by the service’s: 1 is as fast as the floor here, too. */
		processorRatioToFloor:
			service.processorMs && floor.processorMs ? rounded(floor.processorMs / service.processorMs) : null,
	};
}

const columns = [
	'call',
	'conn.',
	'req/s',
	'floor',
	'of floor',
	'CPU of floor',
	'usual',
	'× usual',
	'p50 ms',
	'p99 ms',
	'trips',
	'rows read',
	'written',
];

const titleOf = ({ name, variant }: Report['variants'][number]): string =>
	variant ? `${name}, ${variant}` : name;

function rowsOf(report: Report): string[][] {
	return report.variants.map((each) => [
		titleOf(each),
		String(each.connections),
		each.requestsPerSecond.toFixed(0),
		each.floorRequestsPerSecond.toFixed(0),
		each.ratioToFloor.toFixed(2),
		each.processorRatioToFloor?.toFixed(2) ?? '',
		each.usualRequestsPerSecond.toFixed(0),
		(each.requestsPerSecond / each.usualRequestsPerSecond).toFixed(1),
		each.p50Ms.toFixed(1),
		each.p99Ms.toFixed(1),
		String(each.d1Trips),
		String(each.rowsRead),
		String(each.rowsWritten),
	]);
}

const megabytes = (bytes: number | null): string =>
	bytes === null ? 'unknown' : `${Math.round(bytes / 1e6)} MB`;

function stepRemark({ steps: { step, callByCall } }: Report): string {
	const cost = ({ d1Trips, rowsRead, rowsWritten, ms }: typeof step) =>
		`${d1Trips} ${d1Trips === 1 ? 'trip' : 'trips'}, ${rowsRead} rows read, ${rowsWritten} written, ${ms.toFixed(1)} ms`;
	return `A step of 10 events and a patch: ${cost(step)}. The same as 10 appends and a PATCH, one after the other: ${cost(callByCall)}.`;
}

/** The notes below the table. */
const remarks = (report: Report): string[] => [
	`A call whose key is not known yet takes ${report.unknownKey.d1Trips} trips.`,
	stepRemark(report),
	`Bundle: ${(report.bundle.bytes / 1000).toFixed(1)} KB, ${(report.bundle.gzipBytes / 1000).toFixed(1)} KB with gzip. Start-up: ${report.startupMs.toFixed(0)} ms.`,
	`Peak memory of workerd with its database: ${megabytes(report.peakMemoryBytes.service)}; floor ${megabytes(report.peakMemoryBytes.floor)}, usual ${megabytes(report.peakMemoryBytes.usual)}.`,
	`Rate limiter: counted in memory. With Miniflare's own, which writes to SQLite on each call, update is at ${report.updateWithMiniflaresRateLimiter.ratioToFloor.toFixed(2)} of the floor.`,
	`${report.effort.rounds} rounds of ${report.effort.ms} ms each (of a slow call, 100 requests), contenders in turn; medians.`,
	describe(report.machine),
];

/** The headline figures as a chart. Mermaid draws the bars of one call over each other, so the longest come first. */
function chartOf({ variants }: Report): string {
	const shown = variants.filter(({ connections }) => connections === HEADLINE_CONNECTIONS);
	const floors = shown.map((each) => each.floorRequestsPerSecond);
	const bars = (values: number[]) => `bar [${values.map((value) => value.toFixed(0)).join(', ')}]`;
	return `\`\`\`mermaid
---
config:
    themeVariables:
        xyChart:
            plotColorPalette: "#8c959f, #0969da, #d4a72c"
---
xychart-beta horizontal
    title "Requests per second at ${HEADLINE_CONNECTIONS} connections"
    x-axis [${shown.map((each) => `"${titleOf(each)}"`).join(', ')}]
    y-axis 0 --> ${Math.ceil(Math.max(...floors))}
    ${bars(floors)}
    ${bars(shown.map((each) => each.requestsPerSecond))}
    ${bars(shown.map((each) => each.usualRequestsPerSecond))}
\`\`\``;
}

/** The report for people. */
export const markdownOf = (report: Report): string => `# Results

Made by \`npm run bench\`; README.md of this folder says what is compared.

${markdownTable([columns, ...rowsOf(report)])}

${remarks(report)
	.map((remark) => `- ${remark}`)
	.join('\n')}

In the chart, a bar begins yellow and ends gray: yellow is the usual way, blue what this service does beyond that, and gray
what the floor does beyond the service.

${chartOf(report)}
`;
