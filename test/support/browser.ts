import { mkdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { ROOT } from './server.ts';
import { HANGS_AFTER_MS } from './until.ts';

/** The folder of the screenshots. */
export const SCREENSHOTS = join(ROOT, 'dist/screenshots');

/** How Chromium starts: from the path in the variable CHROMIUM, by default Debian's. */
export const CHROMIUM = {
	executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update'],
};

/** Whether Chromium tells its pages that it goes offline: it takes itself for offline all the time where there is no network, as in some containers. */
export const isOnline = Object.values(networkInterfaces()).some((each) =>
	each?.some(({ internal }) => !internal),
);

/** Starts Chromium. Its pages wait for as long as it takes: by default they give up after 30 s, which a slow machine can need. */
export async function startBrowser(): Promise<Browser> {
	mkdirSync(SCREENSHOTS, { recursive: true });
	const browser = await chromium.launch(CHROMIUM);
	const newContext = browser.newContext.bind(browser);
	browser.newContext = async (options) => {
		const context = await newContext(options);
		context.setDefaultTimeout(HANGS_AFTER_MS);
		return context;
	};
	return browser;
}

/** A tab, with its requests and errors. */
export interface Tab {
	page: Page;
	/** Every request that the page made. */
	requests: string[];
	/** The errors that the page threw or the browser reported. */
	errors: string[];
	close(): Promise<void>;
}

/** Opens a tab with separate storage. */
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
