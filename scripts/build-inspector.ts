/** Builds the files of the inspector, which the Worker serves as static assets. wrangler runs it before it bundles. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const source = join(root, 'src/inspector');
const page = join(root, 'dist/public/inspector');
// The names of its parts change with their content.
rmSync(page, { recursive: true, force: true });
mkdirSync(page, { recursive: true });

/**
 * Packages of which the page uses little or nothing, and which do nothing when they are imported, although they do not say so.
 * @lezer/common is the parser of CodeMirror's languages, and standardwebhooks verifies what a receiver gets.
 */
const unlessUsed: Plugin = {
	name: 'unless-used',
	setup({ onResolve, resolve: find }) {
		onResolve({ filter: /^(@lezer\/common|standardwebhooks)$/ }, async ({ path, pluginData, ...place }) =>
			pluginData === unlessUsed
				? undefined
				: { ...(await find(path, { ...place, pluginData: unlessUsed })), sideEffects: false },
		);
	},
};

const { metafile } = await build({
	absWorkingDir: root,
	entryPoints: [join(source, 'main.tsx'), join(source, 'main.css')],
	outdir: page,
	bundle: true,
	minify: true,
	format: 'esm',
	// The editor of JSON is most of the code. The page shows itself before it arrives.
	splitting: true,
	chunkNames: 'part-[hash]',
	target: 'es2022',
	tsconfig: join(source, 'tsconfig.json'),
	banner: { js: '/* Licenses of what is in here: /inspector/licenses.txt */' },
	metafile: true,
	plugins: [unlessUsed],
});
/** All parts are asked for at once. Otherwise each would wait for the one that imports it. */
const parts = Object.keys(metafile.outputs)
	.map((output) => basename(output))
	.filter((name) => /^part-\w+\.js$/.test(name))
	.map((name) => `\t<link rel="modulepreload" href="/inspector/${name}">\n`);
const html = readFileSync(join(source, 'page.html'), 'utf8');
writeFileSync(join(page, 'page.html'), html.replace('</head>', `${parts.join('')}</head>`));

/** The packages in the bundle. Their licenses require their notices. */
const packages = new Set(
	Object.values(metafile.outputs)
		.flatMap(({ inputs }) => Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0))
		.flatMap(([input]) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []),
);
const notices = [...packages].sort().map((folder) => {
	const name = folder.replace('node_modules/', '');
	return `${name}\n\n${readFileSync(join(root, folder, 'LICENSE'), 'utf8').trim()}\n`;
});
writeFileSync(join(page, 'licenses.txt'), notices.join(`\n${'-'.repeat(72)}\n\n`));
