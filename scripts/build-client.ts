/**
 * `npm run build:client`: builds the client package in `dist/client`, ready for `npm pack`. It first generates
 * `src/client/types.ts` from the routes and schemas of the service.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { TYPES_FILE, typesSource } from './client/types-source.ts';

const root = resolve(import.meta.dirname, '..');
const out = join(root, 'dist/client');

function makePackageJson(): void {
	const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
	const description = {
		name: 'product-generation-sessions-client',
		version,
		description: 'A client of product generation sessions: retries, live following, types.',
		type: 'module',
		exports: { '.': { types: './client.d.ts', default: './client.js' } },
		sideEffects: false,
		engines: { node: '>=20' },
	};
	writeFileSync(join(out, 'package.json'), `${JSON.stringify(description, null, '\t')}\n`);
}

/** Emits the declarations. Their imports name `.js` files, which every version of TypeScript resolves. */
function makeDeclarations(): void {
	execFileSync('tsc', ['--project', 'src/client', '--outDir', out], { cwd: root, stdio: 'inherit' });
	for (const name of readdirSync(out).filter((name) => name.endsWith('.d.ts'))) {
		const text = readFileSync(join(out, name), 'utf8');
		writeFileSync(join(out, name), text.replaceAll(/(from '\.\/[\w-]+)\.ts'/g, "$1.js'"));
	}
}

writeFileSync(TYPES_FILE, typesSource());
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
makePackageJson();
makeDeclarations();
await build({
	entryPoints: [join(root, 'src/client/client.ts')],
	outfile: join(out, 'client.js'),
	bundle: true,
	format: 'esm',
	platform: 'neutral',
	mainFields: ['module', 'main'],
	target: 'es2022',
});
cpSync(join(root, 'docs/client.md'), join(out, 'README.md'));
// The bundle contains this package, whose license requires its notice.
cpSync(join(root, 'node_modules/eventsource-parser/LICENSE'), join(out, 'LICENSE-eventsource-parser'));
