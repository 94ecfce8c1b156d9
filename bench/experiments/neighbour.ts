/**
 * Measures the small calls of a caller while another one does the worst that its limits allow, 40 requests at once or AT_ONCE:
 * `npx node bench/experiments/neighbour.ts`, or with the names of some attacks.
 */
import { build, startContender } from '../contenders.ts';
import { describe, machine } from '../machine.ts';
import { markdownTable } from '../markdown-table.ts';
import { attacks } from '../neighbour/attacks.ts';
import { clerkKey } from '../neighbour/further-attacks.ts';
import { attacked, prepare, quiet, type Taken } from '../neighbour/measure.ts';
import { progress } from '../progress.ts';
import { percentile } from '../statistics.ts';

const row = (name: string, { clock, processor }: Taken, answers: string): string[] => [
	name,
	...[clock, processor].flatMap((times) => [0.5, 0.99].map((part) => percentile(times, part).toFixed(1))),
	String(clock.length),
	answers,
];

const vars = { CLERK_JWT_KEY: await clerkKey() };
const service = await startContender('service', build(), 'in memory', vars);
const neighbour = await prepare(service);
const rows = [row('nothing', await quiet(service, neighbour), '')];
const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : Object.keys(attacks)) {
	progress(name);
	const taken = await attacked(service, neighbour, name);
	rows.push(row(name, taken, taken.answers));
	progress(rows.at(-1)?.join('  ') ?? '');
}
await service.close();
console.log(`# A caller beside one that does its worst\n\n${describe(machine())}.\n`);
console.log(
	markdownTable([
		[
			'the other caller',
			'p50 (ms)',
			'p99 (ms)',
			'processor p50 (ms)',
			'processor p99 (ms)',
			'calls',
			'answers of the other caller',
		],
		...rows,
	]),
);
process.exit(0);
