/**
 * `npm run fuzz`: compares random sequences of calls with a model of the service, for longer than `npm test` and with
 * other cases each time. `npm run fuzz -- --help` prints how.
 */
import { spawnSync } from 'node:child_process';
import { parseArguments } from './arguments.ts';
import { exitAfter, Failure, usageError } from './failure.ts';

const HELP = `npm run fuzz -- [--seconds N] [--seed N]

--seconds is how long each test searches; the default is 60.
--seed is a whole number. A run with the seed of an earlier one makes the same calls; the default is random.`;

async function fuzz(): Promise<void> {
	const { values } = parseArguments(
		{
			options: {
				seconds: { type: 'string', default: '60' },
				seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
				help: { type: 'boolean' },
			},
		},
		HELP,
	);
	if (values.help) return console.log(HELP);
	const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
	if (!(seconds > 0)) throw usageError(`--seconds: "${values.seconds}" is not a number above 0.`);
	if (!/^-?\d+$/.test(values.seed)) throw usageError(`--seed: "${values.seed}" is not a whole number.`);
	console.log(`For ${seconds} s, with the seed ${seed}.`);
	const { status } = spawnSync('vitest', ['run', '--project=inside', 'test/model'], {
		stdio: 'inherit',
		env: { ...process.env, FUZZ: JSON.stringify({ seed, seconds }) },
	});
	if (status !== 0) throw new Failure(`Reproduce: npm run fuzz -- --seed ${seed} --seconds ${seconds}`);
}

await exitAfter(fuzz);
