/** Builds the files of the inspector, which the Worker serves as static assets. wrangler runs it before it bundles. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const source = join(root, 'src/inspector');
const page = join(root, 'dist/public/inspector');
const BANNER = { js: '/* Licenses of what is in here: /inspector/licenses.txt */' };
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
	banner: BANNER,
	metafile: true,
	plugins: [unlessUsed],
});
await joinShared();
/** All parts are asked for at once. Otherwise each would wait for the one that imports it. */
const parts = partsOf().map((name) => `\t<link rel="modulepreload" href="/inspector/${name}">\n`);
const html = readFileSync(join(source, 'page.html'), 'utf8');
writeFileSync(join(page, 'page.html'), html.replace('</head>', `${parts.join('')}</head>`));

/**
 * Puts what the parts share into main.js. esbuild makes a part of it, although main.js needs it at once: together they are
 * smaller after compression, and come with one request.
 */
async function joinShared(): Promise<void> {
	const main = join(page, 'main.js');
	const text = readFileSync(main, 'utf8');
	const [shared, ...others] = partsOf().filter((name) => text.includes(`from"./${name}"`));
	if (shared === undefined || others.length > 0) throw new Error('main.js does not import one part.');
	await build({
		stdin: { contents: `import './main.js'; export * from './${shared}';`, resolveDir: page },
		outfile: main,
		allowOverwrite: true,
		bundle: true,
		minify: true,
		format: 'esm',
		banner: BANNER,
		external: partsOf()
			.filter((name) => name !== shared)
			.map((name) => `./${name}`),
	});
	rmSync(join(page, shared));
	for (const name of partsOf()) {
		const file = join(page, name);
		writeFileSync(file, readFileSync(file, 'utf8').replaceAll(`"./${shared}"`, '"./main.js"'));
	}
}

function partsOf(): string[] {
	return readdirSync(page).filter((name) => /^part-\w+\.js$/.test(name));
}

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
