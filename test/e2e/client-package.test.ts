import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build, transformSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TYPES_FILE, typesSource, VALUES_FILE, valuesSource } from '../../scripts/client/types-source.ts';
import { npmRun, ROOT, startServer } from '../support/server.ts';

const PACKAGE = 'product-generation-sessions-client';
const MAX_BYTES = 12 * 1024;

/** An empty project outside the repository, with the package installed from its tarball. */
let project: string;
let typesBefore: string;
let valuesBefore: string;
let installed: string[];

const run = (command: string, args: string[], cwd = project) => {
	const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
	return { status, output: stdout + stderr };
};
const tsc = (...args: string[]) => run(join(ROOT, 'node_modules/.bin/tsc'), args);
const STRICT = ['--strict', '--skipLibCheck', 'false', '--module', 'nodenext', '--target', 'es2022'];

beforeAll(async () => {
	typesBefore = readFileSync(TYPES_FILE, 'utf8');
	valuesBefore = readFileSync(VALUES_FILE, 'utf8');
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
	for (const name of ['@types/node', 'undici', 'undici-types', '@cloudflare/workers-types']) {
		cpSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name), { recursive: true });
	}
});
afterAll(() => {
	rmSync(project, { recursive: true, force: true });
});

describe('the types and values in src/client', () => {
	it('match the OpenAPI document (if not, run `npm run build:client`)', () => {
		expect(typesBefore).toBe(typesSource());
		expect(valuesBefore).toBe(valuesSource());
	});
});

const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\//g, '');

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
			.filter((name) => /\.d\.c?ts$/.test(name))
			.flatMap((name) =>
				Array.from(
					withoutComments(readFileSync(join(folder, name), 'utf8')).matchAll(/(?:from |import\()'([^']+)'/g),
					([, source]) => source,
				),
			);
		expect(sources.length).toBeGreaterThan(5);
		expect(sources.filter((source) => !/^\.\/[\w-]+\.c?js$/.test(source ?? ''))).toEqual([]);
	});

	it('adds at most 12 KB gzip to a page, and follow or watch alone much less', async () => {
		const whole = await bundleOf('createClient');
		const following = await bundleOf('follow');
		const watching = await bundleOf('watch');
		expect(gzipSync(whole).length).toBeLessThanOrEqual(MAX_BYTES);
		expect(gzipSync(following).length).toBeLessThan(0.7 * gzipSync(whole).length);
		expect(gzipSync(watching).length).toBeLessThan(0.75 * gzipSync(whole).length);
		expect(whole).not.toContain('node:');
		for (const other of ['merge-patch', 'idempotency-key', 'expiresInSeconds', 'hasMore']) {
			expect(whole).toContain(other);
			expect(following).not.toContain(`${other}:`);
			expect(watching).not.toContain(`${other}:`);
		}
		expect(watching).toContain('snapshot');
		expect(following).not.toContain('snapshot');
	});

	it('loads as an ES module and by require, also where require does not load ES modules', () => {
		const use =
			'const { createClient, ApiError } = client; console.log(typeof createClient, typeof ApiError);';
		writeFileSync(join(project, 'import.mjs'), `import * as client from '${PACKAGE}'; ${use}`);
		writeFileSync(join(project, 'require.cjs'), `const client = require('${PACKAGE}'); ${use}`);
		const same = `(async () => console.log(require('${PACKAGE}') === (await import('${PACKAGE}'))))();`;
		writeFileSync(join(project, 'same.cjs'), same);
		const loaded = { status: 0, output: 'function function\n' };
		const older = '--no-experimental-require-module';
		expect(run(process.execPath, ['import.mjs'])).toEqual(loaded);
		expect(run(process.execPath, ['require.cjs'])).toEqual(loaded);
		expect(run(process.execPath, [older, 'import.mjs'])).toEqual(loaded);
		expect(run(process.execPath, [older, 'require.cjs'])).toEqual(loaded);
		// With one copy, an error that one part of a program catches is an ApiError to every other part.
		expect(run(process.execPath, ['same.cjs'])).toEqual({ status: 0, output: 'true\n' });
	});

	it('has an example on every public method', () => {
		const folder = join(project, 'node_modules', PACKAGE);
		for (const [file, kind] of [
			['api.d.ts', 'Client'],
			['following.d.ts', 'Following'],
			['answered.d.ts', 'Answered'],
		] as const) {
			const text = readFileSync(join(folder, file), 'utf8');
			const body = text.slice(text.indexOf(`interface ${kind}<`));
			const methods = body
				.slice(0, body.indexOf('\n}'))
				.matchAll(/(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\s*([\w.[\]]+)\s*[<(]/g);
			const without = Array.from(methods).filter(([, comment]) => !comment?.includes('@example'));
			expect(without.map(([, , name]) => name)).toEqual(
				kind === 'Following' ? ['[Symbol.asyncDispose]'] : [],
			);
		}
		for (const [file, name] of [
			['client.d.ts', 'createClient'],
			['following.d.ts', 'follow'],
			['following.d.ts', 'watch'],
			['etag.d.ts', 'etagOf'],
		] as const) {
			const text = readFileSync(join(folder, file), 'utf8');
			const before = text.slice(0, text.search(new RegExp(`export declare (const|function) ${name}\\b`)));
			expect(before.slice(before.lastIndexOf('/**')), name).toContain('@example');
		}
	});

	for (const [where, file, types, lib, fetch] of [
		['a browser', 'use.mts', [], ['es2022', 'dom'], 'globalThis.fetch'],
		['Node', 'use.mts', ['node'], ['es2022'], 'globalThis.fetch'],
		['Node with CommonJS', 'use.cts', ['node'], ['es2022'], 'globalThis.fetch'],
		['Node with undici', 'use.mts', ['node'], ['es2022'], "(await import('undici')).fetch"],
		['a Worker', 'use.mts', ['@cloudflare/workers-types'], ['es2022'], '(null as unknown as Fetcher).fetch'],
	] as const) {
		it(`has types that compile for ${where} with strict and without skipLibCheck`, () => {
			writeFileSync(join(project, file), USE.replace('FETCH', fetch));
			const strictest = where === 'Node' ? ['--exactOptionalPropertyTypes'] : [];
			const args = [...strictest, '--noEmit', '--lib', lib.join(), '--types', types.join(), file];
			expect(tsc(...STRICT, ...args)).toEqual({ status: 0, output: '' });
		});
	}
});

/** A program that uses the types of the package, and none of their kind. */
const USE = `import { ApiError, createClient, follow, sessionStatuses, type Session, watch } from '${PACKAGE}';
interface Plan { steps: number; owner?: { name: string } }
const options = { baseUrl: 'https://api.test', token: 'x', fetch: FETCH };
const client = createClient<{ plan: Plan; events: { ready: { steps: number }; done: { by?: string } } }>(options);
const controller = new AbortController();
export const session: Promise<Session> = createClient(options).get('sess_1', { signal: controller.signal });
export const status = client.get('sess_1', { fields: ['status'] }).then((sparse) => sparse.status);
// @ts-expect-error: the result has only the requested field.
export const id = client.get('sess_1', { fields: ['status'] }).then((sparse) => sparse.id);
export const merged = client.merge('sess_1', { plan: { owner: null } });
// @ts-expect-error: the steps are a number.
export const wrong = client.merge('sess_1', { plan: { steps: '7' } });
export async function read(): Promise<number> {
	const { data, response, etag } = await client.get('sess_1').withResponse();
	if (response.headers.get('ETag') !== etag) throw new ApiError('No.', { status: 200, code: 'UNEXPECTED_RESPONSE' });
	for await (const item of follow<{ events: { ready: { steps: number } } }>(options, 'sess_1')) {
		if (item.type === 'event') return item.event.payload.steps;
	}
	for await (const { session, changed, events } of watch<{ plan: Plan }>(options, 'sess_1')) {
		if (changed.includes('plan') && events.length > 0) return session.plan?.steps ?? 0;
	}
	for await (const event of client.events('sess_1')) if (event.type === 'ready') return event.payload.steps;
	await client.append('sess_1', { type: 'done' });
	await client.follow('sess_1')[Symbol.asyncDispose]();
	return (data.plan?.steps ?? 0) + sessionStatuses.length;
}
export const isComplete: Promise<'complete' | 'failed'> = client
	.waitFor('sess_1', ['complete', 'failed'], { timeoutMs: 1000 })
	.then((reached) => reached.status);
export const stream: ReadableStream<Uint8Array> = client.follow('sess_1').toReadableStream();
`;

/** The minified bundle of a page that uses one export of the package. */
async function bundleOf(name: string): Promise<string> {
	writeFileSync(join(project, 'page.js'), `export { ${name} } from '${PACKAGE}';`);
	const { outputFiles } = await build({
		entryPoints: [join(project, 'page.js')],
		bundle: true,
		minify: true,
		format: 'esm',
		platform: 'browser',
		write: false,
	});
	return outputFiles[0]?.text ?? '';
}

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
