import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { npmRun, ROOT } from '../support/server.ts';

describe.each(['fuzz', 'bench', 'openapi'])('npm run %s', (command) => {
	it('prints its help for --help', () => {
		const { status, stdout, stderr } = npmRun(command, '--help');
		expect([status, stderr]).toEqual([0, '']);
		expect(stdout).toContain(`npm run ${command} -- [`);
	});

	it.each(['--nonsense', 'nonsense'])(
		'says what is wrong with the argument %s, and exits with 2',
		(argument) => {
			const { status, stdout, stderr } = npmRun(command, argument);
			expect([status, stdout]).toEqual([2, '']);
			expect(stderr).toContain(`'${argument}'`);
			expect(stderr).toContain(`npm run ${command} -- [`);
			expect(stderr).not.toMatch(/^ +at /m);
		},
	);
});

it.each([
	['--seconds', 'soon', '--seconds: "soon" is not a number above 0.'],
	['--seconds', '0', '--seconds: "0" is not a number above 0.'],
	['--seed', '1.5', '--seed: "1.5" is not a whole number.'],
])('npm run fuzz names the value of %s %s', (option, value, words) => {
	const { status, stderr } = npmRun('fuzz', option, value);
	expect([status, stderr.trim()]).toEqual([2, words]);
});

it('npm run openapi prints the document, with the URL of --server in it', () => {
	const own = JSON.parse(npmRun('openapi').stdout);
	const named = JSON.parse(npmRun('openapi', '--server', 'https://sessions.example/').stdout);
	expect(own.servers).toEqual([{ url: '/', description: 'This service.' }]);
	expect(named).toEqual({ ...own, servers: [{ url: 'https://sessions.example' }] });
	// A reader that takes its time gets all of it, too.
	const slow = 'npm run --silent openapi | (sleep 1; cat)';
	expect(JSON.parse(execFileSync('bash', ['-c', slow], { cwd: ROOT, encoding: 'utf8' }))).toEqual(own);
	const { status, stderr } = npmRun('openapi', '--server', 'sessions.example');
	expect([status, stderr.trim()]).toEqual([
		2,
		'--server: "sessions.example" is not a URL that begins with http:// or https://.',
	]);
});
