import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { ROOT } from '../support/server.ts';

const page = join(ROOT, 'dist/public/inspector');

const sizeOf = (names: readonly string[]): number =>
	names
		.map((name) => gzipSync(readFileSync(join(page, name)), { level: 9 }).length)
		.reduce((sum, size) => sum + size);
/** What the page loads besides main.js: the editor of JSON, which arrives later. */
const parts = readdirSync(page).filter((name) => /^part-\w+\.js$/.test(name));
const main = readFileSync(join(page, 'main.js'), 'utf8');

it('weighs at most 140 KB after gzip, everything that the page loads together', () => {
	expect(sizeOf(['page.html', 'main.css', 'main.js', ...parts])).toBeLessThanOrEqual(140_000);
});

it('needs less than 64 KB of them before it shows itself', () => {
	expect(parts).toHaveLength(1);
	expect(main).not.toContain(`from"./${parts[0]}"`);
	expect(sizeOf(['page.html', 'main.css', 'main.js'])).toBeLessThanOrEqual(64_000);
	const html = readFileSync(join(page, 'page.html'), 'utf8');
	for (const name of parts) expect(html).toContain(`rel="modulepreload" href="/inspector/${name}"`);
});

it('is not a part of the Worker script', () => {
	const worker = readFileSync(join(ROOT, 'dist/worker/index.js'), 'utf8');
	const words = 'Somebody changed the same part while you edited it.';
	expect(main).toContain(words);
	expect(worker).not.toContain(words);
});

it('comes with the license of each package in it', () => {
	const notices = readFileSync(join(page, 'licenses.txt'), 'utf8');
	for (const name of ['preact', '@codemirror/view', '@codemirror/state', 'style-mod', 'eventsource-parser']) {
		expect(notices).toMatch(new RegExp(`^${name}\\n`, 'm'));
	}
});
