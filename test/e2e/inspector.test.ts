import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { ROOT } from '../support/server.ts';

const page = join(ROOT, 'dist/public/inspector');

it('weighs at most 126 KB after gzip, everything that the page loads together', () => {
	const sizes = ['page.html', 'main.css', 'main.js'].map(
		(name) => gzipSync(readFileSync(join(page, name)), { level: 9 }).length,
	);
	expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(126_000);
});

it('is not a part of the Worker script', () => {
	const worker = readFileSync(join(ROOT, 'dist/worker/index.js'), 'utf8');
	const words = 'Somebody changed this object while you edited it.';
	expect(readFileSync(join(page, 'main.js'), 'utf8')).toContain(words);
	expect(worker).not.toContain(words);
});

it('comes with the license of each package in it', () => {
	const notices = readFileSync(join(page, 'licenses.txt'), 'utf8');
	for (const name of ['preact', '@codemirror/view', '@codemirror/state', 'style-mod', 'eventsource-parser']) {
		expect(notices).toMatch(new RegExp(`^${name}\\n`, 'm'));
	}
});
