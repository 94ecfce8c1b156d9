import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build, transformSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TYPES_FILE, typesSource } from '../../scripts/client/types-source.ts';
import { npmRun, ROOT, startServer } from '../support/server.ts';

const PACKAGE = 'product-generation-sessions-client';
const MAX_BYTES = 10 * 1024;

/** An empty project outside the repository, with the package installed from its tarball. */
let project: string;
let typesBefore: string;
let installed: string[];

const run = (command: string, args: string[], cwd = project) => {
	const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
	return { status, output: stdout + stderr };
};
const tsc = (...args: string[]) => run(join(ROOT, 'node_modules/.bin/tsc'), args);
const STRICT = ['--strict', '--skipLibCheck', 'false', '--module', 'nodenext', '--target', 'es2022'];

beforeAll(async () => {
	typesBefore = readFileSync(TYPES_FILE, 'utf8');
	expect(npmRun('build:client')).toMatchObject({ status: 0, stderr: '' });
	project = mkdtempSync(join(tmpdir(), 'project-'));
	const tarball = execFileSync('npm', ['pack', '--silent', '--pack-destination', project], {
		cwd: join(ROOT, 'dist/client'),
		encoding: 'utf8',
	}).trim();
	writeFileSync(join(project, 'package.json'), '{"type":"module","private":true}');
	const install = run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${tarball}`]);
	expect(install).toEqual({ status: 0, output: expect.any(String) });
	installed = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
	for (const name of ['@types/node', 'undici-types', '@cloudflare/workers-types']) {
		cpSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name), { recursive: true });
	}
});
afterAll(() => {
	rmSync(project, { recursive: true, force: true });
});

describe('the types in src/client/types.ts', () => {
	it('match the OpenAPI document (if not, run `npm run build:client`)', () => {
		expect(typesBefore).toBe(typesSource());
	});
});

describe('the package', () => {
	it('installs without other packages', () => {
		expect(installed).toEqual([PACKAGE]);
		const { dependencies } = JSON.parse(
			readFileSync(join(project, 'node_modules', PACKAGE, 'package.json'), 'utf8'),
		);
		expect(dependencies).toBeUndefined();
	});

	it('has types that do not refer to other packages', () => {
		const folder = join(project, 'node_modules', PACKAGE);
		const sources = readdirSync(folder)
			.filter((name) => name.endsWith('.d.ts'))
			.flatMap((name) =>
				Array.from(
					readFileSync(join(folder, name), 'utf8').matchAll(/(?:from|import\() ?'([^']+)'/g),
					([, source]) => source,
				),
			);
		expect(sources.length).toBeGreaterThan(5);
		expect(sources.filter((source) => !/^\.\/[\w-]+\.js$/.test(source ?? ''))).toEqual([]);
	});

	it('adds at most 10 KB gzip to a page', async () => {
		writeFileSync(join(project, 'page.js'), `export { createClient } from '${PACKAGE}';`);
		const { outputFiles } = await build({
			entryPoints: [join(project, 'page.js')],
			bundle: true,
			minify: true,
			format: 'esm',
			platform: 'browser',
			write: false,
		});
		expect(gzipSync(outputFiles[0]?.contents ?? '').length).toBeLessThanOrEqual(MAX_BYTES);
		expect(outputFiles[0]?.text).not.toContain('node:');
	});

	for (const [where, types, lib] of [
		['a browser', [], ['es2022', 'dom']],
		['Node', ['node'], ['es2022']],
		['a Worker', ['@cloudflare/workers-types'], ['es2022']],
	] as const) {
		it(`has types that compile for ${where} with strict and without skipLibCheck`, () => {
			writeFileSync(
				join(project, 'use.ts'),
				`import { createClient, type Session } from '${PACKAGE}';
				const client = createClient({ baseUrl: 'https://api.test', token: 'x', fetch: (url, init) => fetch(url, init) });
				const controller = new AbortController();
				export const session: Promise<Session> = client.get('sess_1', { signal: controller.signal });
				export const status = client.get('sess_1', { fields: ['status'] }).then((sparse) => sparse.status);
				// @ts-expect-error: the result has only the requested field.
				export const id = client.get('sess_1', { fields: ['status'] }).then((sparse) => sparse.id);`,
			);
			const checked = tsc(...STRICT, '--noEmit', '--lib', lib.join(), '--types', types.join(), 'use.ts');
			expect(checked).toEqual({ status: 0, output: '' });
		});
	}
});

/** The TypeScript snippets of a page, joined into one program. */
function programOf(page: string, baseUrl: string, token: string): string {
	const text = readFileSync(join(ROOT, page), 'utf8');
	return Array.from(text.matchAll(/```ts\n([\s\S]*?)```/g), ([, snippet = '']) => snippet)
		.join('\n')
		.replaceAll('http://localhost:8787', baseUrl)
		.replaceAll('rt_test_…', token);
}

describe('the snippets of', () => {
	it.each(['README.md', 'docs/client.md'])('%s match the types, and run from top to bottom', async (page) => {
		const server = await startServer();
		try {
			const program = programOf(page, server.url, await server.newKey());
			expect(program).toContain(`from '${PACKAGE}'`);
			writeFileSync(join(project, 'snippets.ts'), program);
			const checked = tsc(...STRICT, '--noEmit', '--lib', 'es2022', '--types', 'node', 'snippets.ts');
			expect(checked).toEqual({ status: 0, output: '' });
			writeFileSync(join(project, 'snippets.js'), transformSync(program, { loader: 'ts' }).code);
			// This throws when the program fails. spawnSync would block this process, which reads the server's log.
			await promisify(execFile)(process.execPath, ['snippets.js'], { cwd: project });
		} finally {
			await server.close();
		}
	});
});
