/** Builds the files of the inspector, which the Worker serves as static assets. wrangler runs it before it bundles. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const source = join(root, 'src/inspector');
const page = join(root, 'dist/public/inspector');
mkdirSync(page, { recursive: true });

const { metafile } = await build({
	absWorkingDir: root,
	entryPoints: [join(source, 'main.tsx'), join(source, 'main.css')],
	outdir: page,
	bundle: true,
	minify: true,
	format: 'esm',
	target: 'es2022',
	tsconfig: join(source, 'tsconfig.json'),
	banner: { js: '/* Licenses of what is in here: /inspector/licenses.txt */' },
	metafile: true,
});
cpSync(join(source, 'page.html'), join(page, 'page.html'));

/** The packages in the bundle. Their licenses require their notices. */
const packages = new Set(
	Object.keys(metafile.inputs).flatMap((input) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []),
);
const notices = [...packages].sort().map((folder) => {
	const name = folder.replace('node_modules/', '');
	return `${name}\n\n${readFileSync(join(root, folder, 'LICENSE'), 'utf8').trim()}\n`;
});
writeFileSync(join(page, 'licenses.txt'), notices.join(`\n${'-'.repeat(72)}\n\n`));
