import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { compatibilityDate } from './contenders.ts';
import { median } from './statistics.ts';

const LOADER = `export default {
	async fetch(request) {
		if (request.url.endsWith('/load')) await import('./worker.js');
		return new Response();
	},
};`;

/**
 * Measures how long workerd takes to compile and run a script's top level, in milliseconds: a request that loads the
 * script, minus one that does not, each time in a new process. Returns the median of several runs.
 */
export async function startupOf(script: string, times: number): Promise<number> {
	const taken: number[] = [];
	for (let n = 0; n < times; n += 1) {
		const miniflare = new Miniflare(
			convertV4MiniflareOptions({
				modules: [
					{ type: 'ESModule', path: 'index.js', contents: LOADER },
					{ type: 'ESModule', path: 'worker.js', contents: script },
				],
				compatibilityDate,
				unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
			}),
		);
		const url = (await miniflare.unsafeGetDirectURL()).origin;
		for (let warm = 0; warm < 20; warm += 1) await timed(url);
		const nothing = median([await timed(url), await timed(url), await timed(url)]);
		taken.push((await timed(`${url}/load`)) - nothing);
		await miniflare.dispose();
	}
	return median(taken);
}

async function timed(url: string): Promise<number> {
	const started = performance.now();
	await (await fetch(url)).arrayBuffer();
	return performance.now() - started;
}
