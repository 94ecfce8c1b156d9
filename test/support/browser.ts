import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { ROOT } from './server.ts';

/** Where a person can look at what the tests saw. */
export const SCREENSHOTS = join(ROOT, 'dist/screenshots');

/** Starts Chromium: Debian's, or the one that CHROMIUM names. */
export function startBrowser(): Promise<Browser> {
	mkdirSync(SCREENSHOTS, { recursive: true });
	return chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update'],
	});
}

/** A tab, and what it did that a person does not see. */
export interface Tab {
	page: Page;
	/** Every request that the page made. */
	requests: string[];
	/** What the page threw and what the browser reported as an error. */
	errors: string[];
	close(): Promise<void>;
}

/** Opens a tab with a storage of its own. */
export async function openTab(browser: Browser, options: BrowserContextOptions = {}): Promise<Tab> {
	const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, ...options });
	const page = await context.newPage();
	const requests: string[] = [];
	const errors: string[] = [];
	page.on('request', (request) => requests.push(request.url()));
	page.on('pageerror', (error) => errors.push(error.message));
	page.on('console', (message) => {
		if (message.type() === 'error') errors.push(message.text());
	});
	return { page, requests, errors, close: () => context.close() };
}
