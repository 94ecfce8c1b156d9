import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build, type Contender, startContender } from '../../bench/contenders.ts';
import type { attacks } from '../../bench/neighbour/attacks.ts';
import { attacked, prepare, quiet } from '../../bench/neighbour/measure.ts';
import type { Sender } from '../../bench/neighbour/send.ts';
import { percentile } from '../../bench/statistics.ts';
import { mainThreadTimeOf } from '../../bench/workerd.ts';

/** The attacks that kept a neighbour waiting for longest before callers took turns and rested. */
const WORST: (keyof typeof attacks)[] = [
	'merges of 4 x 400 KB',
	'merges of 4 x 25,000 members',
	'replacements of 4 x 400 KB',
	'details of a full session',
	'steps of 2 MB',
	'streams that are opened again and again',
	'keys made for a session',
	'deep bodies',
	'replays of a step of 2 MB',
	'versions long ago',
	'tools that list sessions',
	'live state of a full session that changes',
	'the oldest of 16,000 versions of 400 KB',
];
/**
 * How much the service and its database may do for another caller during a small call, in milliseconds. On a slow machine it is as
 * much as reading so many megabytes of JSON with short members.
 */
const MOST_ADDED_MS = 100;
const MOST_ADDED_MEGABYTES = 8;
const MEGABYTE = JSON.stringify(Object.fromEntries(Array.from({ length: 68_000 }, (_, n) => [`m${n}`, n])));

/** The processor time that reading a megabyte takes here, in milliseconds. */
function megabyteMs(): number {
	const readings = 20;
	const before = process.cpuUsage();
	for (let n = 0; n < readings; n += 1) JSON.parse(MEGABYTE);
	const { user, system } = process.cpuUsage(before);
	return (user + system) / 1000 / readings;
}

let service: Contender;
let neighbour: Sender;
let usual: number;

/**
 * What the service and its database do during a small call is the processor time of the thread that runs both. What other programs on
 * the machine do does not count. Linux tells that time, but not in every container.
 */
describe.runIf(mainThreadTimeOf(process.pid) !== null)('during a small call of its neighbour', () => {
	beforeAll(async () => {
		service = await startContender('service', build());
		neighbour = await prepare(service);
		usual = percentile((await quiet(service, neighbour)).processor, 0.99);
	});
	afterAll(() => service.close());

	it.for(WORST)('the service does little for a caller with 40 %s at once', async (name, { skip }) => {
		const { processor, leftOut } = await attacked(service, neighbour, name);
		skip(leftOut > processor.length, `The machine was busy with other programs in ${leftOut} calls.`);
		const mostAdded = Math.max(MOST_ADDED_MS, MOST_ADDED_MEGABYTES * megabyteMs());
		expect(percentile(processor, 0.99)).toBeLessThan(usual + mostAdded);
	});
});
