/**
 * `npm test`: everything that a change must pass: types, lint, the built Worker, and the tests inside workerd and from
 * outside. Arguments go to Vitest; `--project=browser` runs the tests in a browser instead. The last line counts the tests.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'tests-'));
const report = join(folder, 'report.json');

function run(command: string, ...args: string[]): boolean {
	console.log(`> ${command} ${args.join(' ')}`);
	return spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, CI: 'true' } }).status === 0;
}

function counts(): { passed: number; failed: number } {
	const { numPassedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'));
	return { passed: numPassedTests, failed: numTotalTests - numPassedTests };
}

const given = process.argv.slice(2);
const chosen = given.filter((argument) => argument.startsWith('--project'));
const sound = run('tsc', '--noEmit') && run('biome', 'check', '.') && run('npm', 'run', '--silent', 'build');
const green =
	sound &&
	run(
		'vitest',
		'run',
		...(chosen.length > 0 ? [] : ['--project=inside', '--project=outside']),
		'--reporter=default',
		'--reporter=json',
		`--outputFile.json=${report}`,
		...given,
	);
const { passed, failed } = sound ? counts() : { passed: 0, failed: 1 };
rmSync(folder, { recursive: true });
console.log(`${passed} passed, ${green ? 0 : Math.max(failed, 1)} failed`);
process.exit(green ? 0 : 1);
