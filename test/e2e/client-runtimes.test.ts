import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Report } from '../support/client-program.ts';
import { expectHolds, PRINTING, programWith, runCommand } from '../support/client-runtimes.ts';
import { type Server, startServer, withFolder } from '../support/server.ts';

const APPENDS = 24;

let server: Server;
beforeAll(async () => {
	server = await startServer();
});
afterAll(() => server.close());

/** A Worker that runs the program with the task in its request. */
const WORKER = `export default {
	fetch: async (request: Request) => Response.json(await run(await request.json())),
};`;

describe.concurrent('over a network that loses, cuts, splits, delays and answers in place of the service, the client holds', () => {
	it('in Node', () =>
		withFolder(async (folder) => {
			const file = join(folder, 'program.mjs');
			writeFileSync(file, await programWith(PRINTING));
			await expectHolds(server, { appends: APPENDS, tellsUnsent: true }, (task) =>
				runCommand(process.execPath, [file], task),
			);
		}));

	it('in workerd', async () => {
		const contents = await programWith(WORKER);
		const worker = new Miniflare(
			convertV4MiniflareOptions({
				modules: [{ type: 'ESModule', path: 'index.js', contents }],
				compatibilityDate: '2026-10-01',
			}),
		);
		try {
			await expectHolds(server, { appends: APPENDS, tellsUnsent: false }, async (task) => {
				const response = await worker.dispatchFetch('http://worker.test/', {
					method: 'POST',
					body: JSON.stringify(task),
				});
				return (await response.json()) as Report;
			});
		} finally {
			await worker.dispose();
		}
	});
});
