/**
 * `npm test`: all checks of a change: types, lint, the built Worker, and the tests inside workerd and from outside.
 * `--long` runs the long forms (*.long.test.ts) instead of the others, with many more repetitions. Other arguments go
 * to Vitest; `--project=browser` runs the tests in a browser instead. The last line counts the tests.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const given = process.argv.slice(2).filter((argument) => argument !== '--long');
const isLong = process.argv.includes('--long');
const chosen = given.filter((argument) => argument.startsWith('--project'));
const env = { ...process.env, CI: 'true', LONG: String(isLong) };
const folder = mkdtempSync(join(tmpdir(), 'tests-'));
const report = join(folder, 'report.json');

/** Runs commands in parallel, and prints the output of each when it ends. Resolves to whether all succeeded. */
async function runTogether(...commands: [command: string, ...args: string[]][]): Promise<boolean> {
	const runs = commands.map(
		([command, ...args]) =>
			new Promise<boolean>((resolve) => {
				const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
				let said = `> ${command} ${args.join(' ')}\n`;
				for (const stream of [child.stdout, child.stderr]) {
					stream.setEncoding('utf8').on('data', (text: string) => {
						said += text;
					});
				}
				child.once('error', ({ message }) => {
					said += message;
				});
				child.once('close', (code) => {
					process.stdout.write(said);
					resolve(code === 0);
				});
			}),
	);
	return (await Promise.all(runs)).every(Boolean);
}

function runVitest(): boolean {
	const args = [
		'run',
		...(chosen.length > 0 ? [] : ['--project=inside', '--project=outside']),
		'--reporter=default',
		'--reporter=json',
		`--outputFile.json=${report}`,
		...given,
	];
	console.log(`> vitest ${args.join(' ')}`);
	return spawnSync('vitest', args, { stdio: 'inherit', env }).status === 0;
}

function counts(): { passed: number; failed: number } {
	const { numPassedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'));
	return { passed: numPassedTests, failed: numTotalTests - numPassedTests };
}

const sound = await runTogether(
	['tsc', '--noEmit'],
	['tsc', '--noEmit', '-p', 'src/inspector'],
	['biome', 'check', '.'],
	['npm', 'run', '--silent', 'build'],
);
const green = sound && runVitest();
const { passed, failed } = sound ? counts() : { passed: 0, failed: 1 };
rmSync(folder, { recursive: true });
console.log(`${passed} passed, ${green ? 0 : Math.max(failed, 1)} failed`);
process.exit(green ? 0 : 1);
