import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { type Client, createClient } from '../../src/client/client.ts';
import { openTab, startBrowser, type Tab } from './browser.ts';
import { ROOT, type Server, startServer } from './server.ts';

export interface Inspected {
	server: Server;
	/** Opens a tab at the address of the inspector, with this after `#`. */
	open(fragment?: Record<string, string>, options?: BrowserContextOptions): Promise<Tab>;
	/** A user with a key, and a program that uses it. */
	newUser(permissions?: Parameters<Server['newKey']>[0]): Promise<{ key: string; client: Client }>;
}

/** A server and a browser for the tests of a file. After each test its tabs are closed, and none of them may have failed. */
export function inspected(vars: Record<string, string> = {}): Inspected {
	const tabs: Tab[] = [];
	let server: Server;
	let browser: Browser;
	beforeAll(async () => {
		server = await startServer(vars);
		browser = await startBrowser();
	});
	afterEach(async () => {
		const opened = tabs.splice(0);
		const errors = opened.flatMap((tab) => tab.errors).filter(isUnexpected);
		const requests = opened.flatMap((tab) => tab.requests);
		for (const tab of opened) await tab.close();
		expect(errors).toEqual([]);
		expect(requests.filter((url) => !url.startsWith(`${server.url}/`) && !url.startsWith('data:'))).toEqual(
			[],
		);
	});
	afterAll(async () => {
		await browser?.close();
		await server?.close();
	});
	return {
		get server() {
			return server;
		},
		async open(fragment = {}, options = {}) {
			const tab = await openTab(browser, options);
			tabs.push(tab);
			await tab.page.goto(`${server.url}/inspector#${new URLSearchParams(fragment)}`);
			return tab;
		},
		async newUser(permissions) {
			const key = await server.newKey(permissions);
			return { key, client: createClient({ baseUrl: server.url, token: key }) };
		},
	};
}

/** The browser reports each response that is an error, and each connection that is refused, as an error of the page. */
const isUnexpected = (error: string): boolean => !error.startsWith('Failed to load resource:');

const AXE = readFileSync(join(ROOT, 'node_modules/axe-core/axe.min.js'), 'utf8');

interface AxeWindow {
	axe: {
		run(options: object): Promise<{
			violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
		}>;
	};
}

/** What axe-core finds on the page as it is, by all of its rules or by some. */
export async function axeFindings(page: Page, rules?: string[]): Promise<string[]> {
	await page.evaluate(AXE);
	const found = await page.evaluate(async (some): Promise<string[]> => {
		const { axe } = globalThis as unknown as AxeWindow;
		const { violations } = await axe.run({
			resultTypes: ['violations'],
			...(some ? { runOnly: some } : {}),
		});
		return violations.flatMap(({ id, nodes }) =>
			nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
		);
	}, rules);
	return found;
}

/** The session as it is stored, character for character. */
export async function storedText(server: Server, key: string, id: string, fields: string): Promise<string> {
	const url = `${server.url}/v1/products/generation/sessions/${id}?fields=${fields}`;
	return (await fetch(url, { headers: { Authorization: `Bearer ${key}` } })).text();
}

/** Waits until the page shows a session and has all of its events. */
export const untilLive = (page: Page) => page.locator('.connection.live').waitFor();

/** The rows of the events that have a text. */
export const eventRow = (page: Page, text: string) =>
	page.getByRole('listbox', { name: 'Events' }).getByRole('option', { name: text });
