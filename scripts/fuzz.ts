/**
 * `npm run fuzz`: compares random sequences of calls with a model of the service, for longer than `npm test` and with
 * other cases each time.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
	options: {
		seconds: { type: 'string', default: '60' },
		seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
	},
});
const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
if (!(seconds > 0) || !Number.isInteger(seed)) {
	console.error('npm run fuzz -- [--seconds N] [--seed N]');
	process.exit(2);
}
console.log(`For ${seconds} s, with the seed ${seed}.`);
const { status } = spawnSync('vitest', ['run', '--project=inside', 'test/model'], {
	stdio: 'inherit',
	env: { ...process.env, FUZZ: JSON.stringify({ seed, seconds }) },
});
if (status !== 0) console.log(`The same again: npm run fuzz -- --seed ${seed} --seconds ${seconds}`);
process.exit(status ?? 1);
