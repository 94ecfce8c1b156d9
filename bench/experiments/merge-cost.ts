/**
 * Measures the time of SQLite's json_patch in a local D1, by the members of the patch and the size of the object:
 * `npx node bench/experiments/merge-cost.ts`. MAX_MERGE_WORK in src/sessions/changes.ts is derived from it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openD1 } from '../../scripts/open-d1.ts';
import { markdownTable } from '../markdown-table.ts';

const RUNS = 5;

const members = (prefix: string, count: number, value: unknown) =>
	Object.fromEntries(Array.from({ length: count }, (_, n) => [prefix + n.toString(36), value]));
const patches: Record<string, (size: number, count: number) => object> = {
	insert: (_, count) => members('z', count, 1),
	'replace the last': (size, count) =>
		Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${(size - 1 - n).toString(36)}`, 'x'])),
	'delete what is not there': (_, count) => members('z', count, null),
	'insert with escapes': (_, count) => members('\nz', count, 1),
};

const folder = await mkdtemp(join(tmpdir(), 'merge-cost-'));
const { d1, close } = await openD1({ remote: false, persistTo: folder });
try {
	await d1.exec('CREATE TABLE objects (id INTEGER PRIMARY KEY, text TEXT)');
	const rows = [['patch', 'members', 'bytes of the object', 'ms', 'ns for a member and a byte']];
	for (const [name, patchOf] of Object.entries(patches)) {
		for (const size of [5000, 35_000]) {
			const text = JSON.stringify(members(name.endsWith('escapes') ? '\nk' : 'k', size, 1));
			const idle = await milliseconds(text, '{}');
			for (const count of [32, 256, 2048]) {
				const ms = (await milliseconds(text, JSON.stringify(patchOf(size, count)))) - idle;
				const nanoseconds = (ms * 1e6) / (count * text.length);
				rows.push([name, String(count), String(text.length), ms.toFixed(1), nanoseconds.toFixed(2)]);
			}
		}
	}
	console.log(markdownTable(rows));
} finally {
	await close();
	await rm(folder, { recursive: true });
}

/** The shortest of several runs. */
async function milliseconds(text: string, patch: string): Promise<number> {
	const times: number[] = [];
	for (let run = 0; run < RUNS; run += 1) {
		await d1.prepare('INSERT OR REPLACE INTO objects VALUES (1, ?)').bind(text).run();
		const started = performance.now();
		await d1.prepare('UPDATE objects SET text = json_patch(text, ?) WHERE id = 1').bind(patch).run();
		times.push(performance.now() - started);
	}
	return Math.min(...times);
}
