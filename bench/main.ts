/**
 * `npm run bench`: compares the service with a bare Worker (the floor) and with the usual way, on Miniflare. See
 * README.md in this folder.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArguments } from '../scripts/arguments.ts';
import { exitCodeOf } from '../scripts/failure.ts';
import { calls } from './calls.ts';
import {
	buildAll,
	type Contender,
	type ContenderName,
	contenderNames,
	type Scripts,
	startContender,
} from './contenders.ts';
import { costsOf } from './costs.ts';
import { followTable, measureFollowing } from './follow.ts';
import { growth, SIZES } from './growth.ts';
import { growthMarkdown, growthPlot, growthTable } from './growth-report.ts';
import { large, largeMarkdown, largeTable } from './large.ts';
import { load, median } from './load.ts';
import { describe, machine } from './machine.ts';
import { type Effort, HEADLINE_CONNECTIONS, measure, rounded } from './measure.ts';
import { measurePlacement } from './placement.ts';
import { placementMarkdown, placementTable, throughputTable } from './placement-report.ts';
import { barPlot } from './plot.ts';
import { aligned, markdownOf, type Report, reportOf, tableOf } from './report.ts';
import { seed } from './seed.ts';
import { startupOf } from './startup.ts';
import { stepsOf } from './steps.ts';

const HELP = `npm run bench -- [--json] [--quick]   all calls; a full run writes bench/results.md and results.svg
npm run bench -- --large [--json]     large responses; writes bench/large.md
npm run bench -- --follow [--json]    following live alone
npm run bench -- --placement [--json] callers on three continents, and throughput by databases; writes bench/placement.md
npm run bench -- --growth [--json]    rows with 1, 1,000 and 1,000,000 sessions; writes bench/growth.md and growth.svg`;

// A disturbance affects only a small part of many short rounds.
const FULL: Effort = { rounds: 11, ms: 250, startups: 9, follow: { events: 200, burst: 500 } };
const QUICK: Effort = { rounds: 3, ms: 80, startups: 3, follow: { events: 50, burst: 100 } };

const readArguments = () =>
	parseArguments(
		{
			options: {
				json: { type: 'boolean', default: false },
				quick: { type: 'boolean', default: false },
				growth: { type: 'boolean', default: false },
				large: { type: 'boolean', default: false },
				follow: { type: 'boolean', default: false },
				placement: { type: 'boolean', default: false },
				help: { type: 'boolean', default: false },
			},
		},
		HELP,
	);
type Options = ReturnType<typeof readArguments>['values'];

function progress(text: string): void {
	if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
	else process.stderr.write(`${text}\n`);
}

const output = (name: string, text: string): void => writeFileSync(join(import.meta.dirname, name), text);

async function bench(effort: Effort, scripts: Scripts): Promise<Report> {
	progress('start-up time');
	const startupMs = await startupOf(scripts.service, effort.startups);
	const contenders = {} as Record<ContenderName, Contender>;
	for (const name of contenderNames) {
		progress(`starting ${name}`);
		contenders[name] = await startContender(name, scripts);
		await seed(contenders[name].d1);
	}
	try {
		const costs = await costsOf(contenders.service);
		const measurements = await measure(contenders, effort, progress);
		progress('a step of 10 events');
		const steps = await stepsOf(contenders.service, 5 * effort.rounds);
		const following = await measureFollowing(scripts, effort.follow, progress);
		const miniflaresLimiter = await withMiniflaresLimiter(scripts, contenders.floor, effort);
		return reportOf({
			effort,
			measurements,
			costs,
			steps,
			contenders,
			script: scripts.service,
			startupMs,
			miniflaresLimiter,
			following,
		});
	} finally {
		for (const { close } of Object.values(contenders)) await close();
	}
}

/** Measures the headline update again, with Miniflare's rate limiter. */
async function withMiniflaresLimiter(scripts: Scripts, floor: Contender, effort: Effort) {
	progress("update with Miniflare's own rate limiter");
	const update = calls.find(({ endpoint }) => endpoint === 'update');
	if (!update) throw new Error('no update is measured');
	const service = await startContender('service', scripts, { rateLimiter: "Miniflare's own" });
	try {
		await seed(service.d1);
		const [rates, floors]: [number[], number[]] = [[], []];
		for (let round = 0; round <= effort.rounds; round += 1) {
			rates.push((await load(service, update, HEADLINE_CONNECTIONS, effort.ms)).requestsPerSecond);
			floors.push((await load(floor, update, HEADLINE_CONNECTIONS, effort.ms)).requestsPerSecond);
		}
		// The first round warms up.
		const [rate, ofFloor] = [median(rates.slice(1)), median(floors.slice(1))];
		return { requestsPerSecond: rounded(rate), ratioToFloor: rounded(rate / ofFloor) };
	} finally {
		await service.close();
	}
}

function plotOf(report: Report): string {
	const shown = report.variants.filter(({ connections }) => connections === HEADLINE_CONNECTIONS);
	return barPlot({
		title: `Requests per second at ${HEADLINE_CONNECTIONS} connections`,
		note: describe(report.machine),
		series: ['this service', 'bare Worker (floor)', 'the usual way'],
		groups: shown.map((each) => ({
			name: each.variant ? `${each.name}, ${each.variant}` : each.name,
			values: [each.requestsPerSecond, each.floorRequestsPerSecond, each.usualRequestsPerSecond],
		})),
	});
}

async function runGrowth({ json }: Options): Promise<void> {
	const service = await startContender('service', buildAll());
	try {
		const steps = await growth(service, SIZES, progress);
		progress('\n');
		if (json) console.log(JSON.stringify({ growth: steps, machine: machine() }));
		else console.log(aligned(growthTable(steps)));
		output('growth.md', growthMarkdown(steps));
		output('growth.svg', growthPlot(steps));
	} finally {
		await service.close();
	}
}

async function runFollow({ json, quick }: Options): Promise<void> {
	const effort = quick ? QUICK : FULL;
	const following = await measureFollowing(buildAll(), effort.follow, progress);
	progress('\n');
	console.log(json ? JSON.stringify({ following, machine: machine() }) : aligned(followTable(following)));
}

async function runBench({ json, quick }: Options): Promise<void> {
	const effort = quick ? QUICK : FULL;
	progress('building');
	const report = await bench(effort, buildAll());
	progress('\n');
	console.log(json ? JSON.stringify(report) : tableOf(report));
	if (quick) return;
	output('results.md', markdownOf(report));
	output('results.svg', plotOf(report));
}

async function runLarge({ json }: Options): Promise<void> {
	const rows = await large(progress);
	progress('\n');
	console.log(json ? JSON.stringify({ large: rows, machine: machine() }) : aligned(largeTable(rows)));
	output('large.md', largeMarkdown(rows, describe(machine())));
}

async function runPlacement({ json }: Options): Promise<void> {
	const measured = await measurePlacement(progress);
	progress('\n');
	if (json) console.log(JSON.stringify({ ...measured, machine: machine() }));
	else {
		console.log(aligned(placementTable(measured.places)));
		console.log(aligned(throughputTable(measured.throughput)));
	}
	output('placement.md', placementMarkdown(measured, describe(machine())));
}

function chosenRun({ growth, large, follow, placement }: Options): (options: Options) => Promise<void> {
	if (growth) return runGrowth;
	if (large) return runLarge;
	if (follow) return runFollow;
	return placement ? runPlacement : runBench;
}

async function main(): Promise<void> {
	const { values } = readArguments();
	if (values.help) return console.log(HELP);
	await chosenRun(values)(values);
}

process.exitCode = await exitCodeOf(main);
