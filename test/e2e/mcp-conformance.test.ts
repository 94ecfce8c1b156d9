import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { proxyWith } from '../support/mcp-proxy.ts';
import { ROOT, type Server, startServer, withFolder } from '../support/server.ts';

const COMMAND = join(ROOT, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

interface Check {
	id: string;
	status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
	errorMessage?: string;
	details?: { untestable?: boolean };
}

/** The scenarios that a version of the protocol requires, and the checks of each. */
type Results = ReadonlyMap<string, readonly Check[]>;

/** Runs what a version of the protocol requires. */
async function run(url: string, revision: string): Promise<Results> {
	return withFolder(async (folder) => {
		// It exits with 1 when a check fails, which the checks tell better.
		const { stdout } = await promisify(execFile)(
			process.execPath,
			[COMMAND, 'server', '--url', `${url}/mcp`, '--requirements', revision, '-o', folder],
			{ cwd: folder, maxBuffer: 100_000_000 },
		).catch((error: { stdout: string }) => error);
		// "Not scored" are scenarios that the version does not require, such as those of extensions.
		const [, notScored = ''] = stdout.split('Not scored');
		const isScored = (scenario: string) => !notScored.includes(` ${scenario} (`);
		return new Map(
			readdirSync(folder)
				.map((name) => [/^server-(.+)-\d{4}-\d\d-\d\dT/.exec(name)?.[1] ?? name, name] as const)
				.filter(([scenario]) => isScored(scenario))
				.map(([scenario, name]) => [
					scenario,
					JSON.parse(readFileSync(join(folder, name, 'checks.json'), 'utf8')),
				]),
		);
	});
}

/** Runs the suite with a key, which it cannot send by itself. */
async function runWithKey(server: Server, revision: string): Promise<Results> {
	const key = await server.newKey();
	const headers = { Authorization: `Bearer ${key}` };
	await fetch(`${server.url}/v1/products/generation/sessions`, { method: 'POST', headers });
	const proxy = await proxyWith(headers.Authorization, server.url);
	try {
		return await run(proxy.url, revision);
	} finally {
		proxy.close();
		await server.close();
	}
}

const failuresOf = (results: Results): string[] =>
	Array.from(results).flatMap(([scenario, checks]) =>
		checks
			.filter(({ status }) => status === 'FAILURE')
			.map(({ id, errorMessage }) => `${scenario}: ${id}: ${errorMessage}`),
	);

/**
 * The scenarios that say something about the service. The others call tools, resources and prompts of the suite, or are
 * about what this server does not have: sampling, elicitation, logging, and subscriptions of the earlier version.
 */
const APPLICABLE: Record<string, string[]> = {
	'2026-07-28': [
		'caching',
		'completion-complete',
		'dns-rebinding-protection',
		'prompts-list',
		'resources-list',
		'sep-2164-resource-not-found',
		'server-sse-multiple-streams',
		'server-stateless',
		'tools-list',
	],
	'2025-11-25': [
		'completion-complete',
		'dns-rebinding-protection',
		'ping',
		'prompts-list',
		'resources-list',
		'server-initialize',
		'tools-list',
	],
};

it.each(Object.entries(APPLICABLE))(
	'the service passes what %s requires and applies to it',
	async (revision, names) => {
		const results = await runWithKey(await startServer(), revision);
		const applicable = names.map((name) => {
			const checks = results.get(name) ?? [];
			expect(checks.length, name).toBeGreaterThan(0);
			// Some checks of server-stateless need tools of the suite.
			return [name, checks.filter(({ details }) => !details?.untestable)] as const;
		});
		expect(failuresOf(new Map(applicable))).toEqual([]);
	},
);

it('the way in which the service serves the protocol passes all that 2026-07-28 requires', () =>
	withFolder(async (folder) => {
		await build({
			entryPoints: { index: join(ROOT, 'test/support/mcp-suite/worker.ts') },
			outdir: folder,
			bundle: true,
			format: 'esm',
			conditions: ['workerd', 'worker', 'browser'],
			external: ['cloudflare:*', 'node:*'],
		});
		const results = await runWithKey(await startServer({}, undefined, 1, folder), '2026-07-28');
		expect(results.size).toBe(37);
		expect(failuresOf(results)).toEqual([]);
	}));
