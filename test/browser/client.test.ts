import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { openTab, startBrowser } from '../support/browser.ts';
import type { Report, Task } from '../support/client-program.ts';
import { expectHolds, programWith } from '../support/client-runtimes.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
let browser: Browser;
beforeAll(async () => {
	server = await startServer({ CORS_ORIGINS: '*' });
	browser = await startBrowser();
});
afterAll(async () => {
	await browser?.close();
	await server?.close();
});

/** A page has the program in its global scope. */
const START = 'globalThis.run = run;';
type WithProgram = { run(task: Task): Promise<Report> };

describe('in Chromium, the client', () => {
	it('holds over a network that loses, cuts, splits, delays and answers in place of the service', async () => {
		const script = await programWith(START);
		await expectHolds(server, { appends: 24, tellsUnsent: false }, async (task) => {
			const { page, close } = await openTab(browser);
			try {
				await page.goto(`${task.steady}/healthz`);
				await page.addScriptTag({ content: script, type: 'module' });
				// The page has the origin of the steady one, so it calls the shaky one as a page of another origin: CORS allows all
				// headers of the client.
				return await page.evaluate((given) => (globalThis as unknown as WithProgram).run(given), task);
			} finally {
				await close();
			}
		});
	});
});
