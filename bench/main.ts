/**
 * `npm run bench`: compares the service with a bare Worker (the floor) and with the usual way, on Miniflare. See
 * README.md in this folder.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArguments } from '../scripts/arguments.ts';
import { exitCodeOf } from '../scripts/failure.ts';
import { calls } from './calls.ts';
import { build, type Contender, type ContenderName, contenderNames, startContender } from './contenders.ts';
import { costsOf } from './costs.ts';
import { load } from './load.ts';
import { type Effort, HEADLINE_CONNECTIONS, measure } from './measure.ts';
import { progress } from './progress.ts';
import { markdownOf, reportOf } from './report.ts';
import { seed } from './seed.ts';
import { startupOf } from './startup.ts';
import { median, rounded } from './statistics.ts';
import { stepsOf } from './steps.ts';

const HELP = `npm run bench -- [--json] [--quick]

A full run writes bench/results.md. --quick is a first look and writes nothing. --json prints one JSON object.`;

// A disturbance affects only a small part of many short rounds.
const FULL: Effort = { rounds: 11, ms: 250, startups: 9 };
const QUICK: Effort = { rounds: 3, ms: 80, startups: 3 };

async function bench(effort: Effort) {
	progress('building');
	const scripts = { service: build(), floor: build('workers/floor.ts'), usual: build('workers/usual.ts') };
	progress('start-up time');
	const startupMs = await startupOf(scripts.service, effort.startups);
	const contenders = {} as Record<ContenderName, Contender>;
	for (const name of contenderNames) {
		progress(`starting ${name}`);
		contenders[name] = await startContender(name, scripts[name]);
		await seed(contenders[name].d1);
	}
	try {
		const costs = await costsOf(contenders.service);
		const measurements = await measure(contenders, effort);
		progress('a step of 10 events');
		const steps = await stepsOf(contenders.service, 5 * effort.rounds);
		progress("update with Miniflare's own rate limiter");
		const miniflaresLimiter = await withMiniflaresLimiter(scripts.service, contenders.floor, effort);
		progress('');
		return reportOf({
			effort,
			measurements,
			costs,
			steps,
			contenders,
			script: scripts.service,
			startupMs,
			miniflaresLimiter,
		});
	} finally {
		for (const { close } of Object.values(contenders)) await close();
	}
}

/** Measures the headline update again, with Miniflare's rate limiter. */
async function withMiniflaresLimiter(script: string, floor: Contender, effort: Effort) {
	const update = calls.find(({ endpoint }) => endpoint === 'update');
	if (!update) throw new Error('no update is measured');
	const service = await startContender('service', script, "Miniflare's own");
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

async function main(): Promise<void> {
	const { json, quick, help } = parseArguments(
		{ options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, help: { type: 'boolean' } } },
		HELP,
	).values;
	if (help) return console.log(HELP);
	const report = await bench(quick ? QUICK : FULL);
	const markdown = markdownOf(report);
	console.log(json ? JSON.stringify(report) : markdown);
	if (!quick) writeFileSync(join(import.meta.dirname, 'results.md'), markdown);
}

process.exitCode = await exitCodeOf(main);
