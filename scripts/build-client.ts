/**
 * `npm run build:client`: builds the client package in `dist/client`, ready for `npm pack`. It first generates
 * `src/client/types.ts` and `src/client/values.ts` from the routes and schemas of the service.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { TYPES_FILE, typesSource, VALUES_FILE, valuesSource } from './client/types-source.ts';

const root = resolve(import.meta.dirname, '..');
const out = join(root, 'dist/client');

function makePackageJson(): void {
	const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
	/** The ways to load an entry. A Node whose `require` loads ES modules gets one copy for both, so that `instanceof ApiError` holds. */
	const entry = (name: string) => {
		const esm = { types: `./${name}.d.ts`, default: `./${name}.js` };
		const cjs = { types: `./${name}.d.cts`, default: `./${name}.cjs` };
		return { 'module-sync': esm, import: esm, require: cjs, default: esm };
	};
	const description = {
		name: 'product-generation-sessions-client',
		version,
		description: 'A client of product generation sessions: retries, live following, types.',
		type: 'module',
		main: './client.cjs',
		types: './client.d.ts',
		exports: { '.': entry('client'), './webhooks': entry('webhooks') },
		sideEffects: false,
		engines: { node: '>=20' },
	};
	writeFileSync(join(out, 'package.json'), `${JSON.stringify(description, null, '\t')}\n`);
}

/**
 * Emits the declarations, for ES modules and for CommonJS. Their imports name `.js` and `.cjs` files, which every version of
 * TypeScript resolves.
 */
function makeDeclarations(): void {
	execFileSync('tsc', ['--project', 'src/client', '--outDir', out], { cwd: root, stdio: 'inherit' });
	for (const name of readdirSync(out).filter((name) => name.endsWith('.d.ts'))) {
		const text = readFileSync(join(out, name), 'utf8');
		for (const [ending, imported] of [
			['.d.ts', '.js'],
			['.d.cts', '.cjs'],
		] as const) {
			const imports = text.replaceAll(/(from '\.\/[\w-]+)\.ts'/g, `$1${imported}'`);
			writeFileSync(join(out, name.replace('.d.ts', ending)), imports);
		}
	}
}

const bundle = (name: 'client' | 'webhooks', format: 'esm' | 'cjs') =>
	build({
		entryPoints: [join(root, `src/client/${name}.ts`)],
		outfile: join(out, `${name}.${format === 'esm' ? 'js' : 'cjs'}`),
		bundle: true,
		format,
		platform: 'neutral',
		mainFields: ['module', 'main'],
		target: 'es2022',
	});

writeFileSync(TYPES_FILE, typesSource());
writeFileSync(VALUES_FILE, valuesSource());
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
makePackageJson();
makeDeclarations();
for (const name of ['client', 'webhooks'] as const) {
	await bundle(name, 'esm');
	await bundle(name, 'cjs');
}
cpSync(join(root, 'docs/client.md'), join(out, 'README.md'));
// The bundles contain these packages, whose licenses require their notice. That of standardwebhooks has no file of it, and
// fast-sha256 requires none.
for (const name of ['eventsource-parser', '@stablelib/base64']) {
	cpSync(join(root, 'node_modules', name, 'LICENSE'), join(out, `LICENSE-${name.replace(/^.*\//, '')}`));
}
writeFileSync(
	join(out, 'LICENSE-standardwebhooks'),
	'standardwebhooks is by the Standard Webhooks project, under the MIT license:\nhttps://github.com/standard-webhooks/standard-webhooks/blob/main/LICENSE\n',
);
