import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCREENSHOTS, startBrowser } from '../support/browser.ts';
import { axeFindings } from '../support/inspector.ts';
import { type Server, startServer } from '../support/server.ts';

let server: Server;
let browser: Browser;
beforeAll(async () => {
	server = await startServer();
	browser = await startBrowser();
});
afterAll(async () => {
	await browser?.close();
	await server?.close();
});

interface Visit {
	page: Page;
	/** Every request that the page made. */
	requests: string[];
	errors: string[];
}

async function visit(path: string, colorScheme: 'light' | 'dark' = 'light', width = 1280): Promise<Visit> {
	const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
	const page = await context.newPage();
	const requests: string[] = [];
	const errors: string[] = [];
	page.on('request', (request) => requests.push(request.url()));
	page.on('pageerror', (error) => errors.push(error.message));
	page.on('console', (message) => {
		if (message.type() === 'error') errors.push(message.text());
	});
	await page.goto(server.url + path);
	await page.locator('.opblock').first().waitFor();
	return { page, requests, errors };
}

/** The requests to other origins. A data URL causes no request. */
const foreign = (requests: string[]) =>
	requests.filter((url) => !url.startsWith(`${server.url}/`) && !url.startsWith('data:'));

/** Enters a key as a person does who types it where the focus is. */
async function signIn(page: Page, key: string): Promise<void> {
	await page.locator('.btn.authorize').click();
	const field = page.locator('.auth-container input').first();
	await field.and(page.locator(':focus')).waitFor();
	await page.keyboard.type(key);
	await page.locator('.auth-btn-wrapper .authorize').first().click();
	await page.locator('.btn-done').first().click();
}

/** Opens a call. */
async function open(page: Page, id: string) {
	const call = page.locator(`#operations-${id}`);
	if (!(await call.locator('.btn.execute').isVisible())) await call.locator('.opblock-summary').click();
	return call;
}

describe('the reference page in a browser', () => {
	it('opens when a browser visits the root', async () => {
		const { page } = await visit('/');
		expect(new URL(page.url()).pathname).toBe('/docs');
		await page.close();
	});

	it.each(['light', 'dark'] as const)(
		'shows every call without an error, and loads only from its own origin (%s)',
		async (scheme) => {
			const { page, requests, errors } = await visit('/docs', scheme);
			const shown = await page.locator('.opblock').evaluateAll((blocks) =>
				blocks.map((block) => {
					const text = (name: string) => block.querySelector(`.opblock-summary-${name}`)?.textContent ?? '';
					return `${text('method')} ${text('path').replaceAll('\u200b', '')}`;
				}),
			);
			const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
				paths: Record<string, object>;
			};
			const calls = Object.entries(document.paths).flatMap(([path, item]) =>
				Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
			);
			expect(shown.sort()).toEqual(calls.sort());
			await page.screenshot({ path: join(SCREENSHOTS, `docs-${scheme}.png`), fullPage: true });
			expect(requests.length).toBeGreaterThan(4);
			expect(foreign(requests)).toEqual([]);
			expect(errors).toEqual([]);
			await page.close();
		},
	);

	it('makes a call with a real key, and shows the response', async () => {
		const key = await server.newKey();
		const { page, requests, errors } = await visit('/docs#/Sessions/createSession');
		await signIn(page, key);
		const call = await open(page, 'Sessions-createSession');
		await call.locator('.btn.execute').click();
		const answer = call.locator('.live-responses-table .response');
		await answer.waitFor();
		expect((await answer.locator('.response-col_status').innerText()).trim()).toMatch(/^201/);
		const body = await answer.locator('.response-col_description pre').first().innerText();
		expect(body).toContain('"status": "intake"');
		await call.scrollIntoViewIfNeeded();
		await page.screenshot({ path: join(SCREENSHOTS, 'docs-call.png') });
		expect(foreign(requests)).toEqual([]);
		expect(errors).toEqual([]);
		await page.close();
	});

	it.each([
		['light', 1280],
		['dark', 1280],
		['light', 360],
		['dark', 360],
	] as const)('can be read, and fits its width: %s, %d px', async (scheme, width) => {
		const { page } = await visit('/docs', scheme, width);
		await signIn(page, await server.newKey());
		const list = await open(page, 'Sessions-listSessions'); // It has numbers in its example.
		await list.locator('.highlight-code').getByText('9007199254740991').first().waitFor();
		const call = await open(page, 'Sessions-createSession');
		await call.locator('.btn.execute').click();
		await call.locator('.live-responses-table .response').waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await expect
			.poll(() => page.getByRole('link', { name: 'Inspector' }).getAttribute('href'))
			.toBe('/inspector');
		expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
		await page.screenshot({ path: join(SCREENSHOTS, `docs-call-${scheme}-${width}.png`), fullPage: true });
		await page.close();
	});

	it('shows the first seconds of a live stream', async () => {
		const key = await server.newKey();
		const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
		const sessions = `${server.url}/v1/products/generation/sessions`;
		const { id } = (await (await fetch(sessions, { method: 'POST', headers, body: '{}' })).json()) as {
			id: string;
		};
		await fetch(`${sessions}/${id}/events`, { method: 'POST', headers, body: '{"type":"plan.ready"}' });
		const { page, errors } = await visit('/docs');
		await signIn(page, key);
		const call = await open(page, 'Events-listEvents');
		await call.locator('input[placeholder="id"]').fill(id);
		await call.locator('.responses-inner select.content-type').first().selectOption('text/event-stream');
		await call.locator('.btn.execute').click();
		const answer = call.locator('.live-responses-table .response');
		await answer.waitFor();
		const body = await answer.locator('.response-col_description pre').first().innerText();
		expect(body).toContain('"type":"plan.ready"');
		expect(body).toContain('shows the first 3 seconds of a stream');
		expect(errors).toEqual([]);
		await page.close();
	});

	it('keeps the key for its tab, so that nobody can read it, until somebody logs out', async () => {
		const key = await server.newKey();
		const { page, errors } = await visit('/docs');
		const isSignedIn = () => page.locator('.btn.authorize.locked').waitFor();
		const isSignedOut = () => page.locator('.btn.authorize.unlocked').waitFor();
		await signIn(page, key);
		await isSignedIn();
		await page.reload();
		await isSignedIn();
		const call = await open(page, 'Sessions-listSessions');
		await call.locator('.btn.execute').click();
		const answer = call.locator('.live-responses-table .response');
		await answer.waitFor();
		expect((await answer.locator('.response-col_status').innerText()).trim()).toMatch(/^200/);

		const stored = await page.evaluate(
			'JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])',
		);
		expect(stored).not.toContain(key.slice(8, 40));
		expect(await page.evaluate('[sessionStorage.length, localStorage.length]')).toEqual([1, 0]);
		// The service gets no cookie with a call.
		expect(await page.context().cookies(`${server.url}/v1/`)).toEqual([]);

		// Another tab does not have it.
		const other = await page.context().newPage();
		await other.goto(page.url());
		await other.locator('.btn.authorize.unlocked').waitFor();

		await page.locator('.btn.authorize').click();
		await page.locator('.auth-btn-wrapper button', { hasText: 'Logout' }).click();
		await page.locator('.btn-done').first().click();
		await isSignedOut();
		expect(await page.evaluate('[sessionStorage.length, document.cookie]')).toEqual([0, '']);
		await page.reload();
		await isSignedOut();
		expect(errors).toEqual([]);

		await signIn(page, key);
		await isSignedIn();
		await page.close();
		await other.reload();
		await other.locator('.btn.authorize.unlocked').waitFor();
		await other.context().close();
	});

	it('has the key of the inspector in the same tab, and is signed out with it', async () => {
		const key = await server.newKey();
		const { page } = await visit('/docs');
		await signIn(page, key);
		await page.getByRole('link', { name: 'Inspector' }).click();
		await page.locator('.used').getByText(key.slice(0, 16)).waitFor();
		await page.getByRole('link', { name: 'API reference' }).click();
		await page.locator('.btn.authorize.locked').waitFor();

		const inspector = await page.context().newPage();
		await inspector.goto(`${server.url}/inspector#key=${key}`);
		await inspector.getByRole('button', { name: 'Sign out' }).click();
		await page.locator('.btn.authorize.unlocked').waitFor();
		await page.reload();
		await page.locator('.btn.authorize.unlocked').waitFor();

		// And the inspector with this page.
		await signIn(page, key);
		await inspector.goto(`${server.url}/inspector#key=${key}`);
		await inspector.locator('.used').waitFor();
		await page.locator('.btn.authorize').click();
		await page.locator('.auth-btn-wrapper button', { hasText: 'Logout' }).click();
		await inspector.getByRole('alert').getByText('You signed out in another window').waitFor();
		await page.context().close();
	});

	it('serves the licenses of its files under the name that they give', async () => {
		const script = await (await fetch(`${server.url}/docs/swagger-ui-bundle.js`)).text();
		const [, name = ''] = /license information please see (\S+)/.exec(script) ?? [];
		const licenses = await fetch(`${server.url}/docs/${name}`);
		expect([licenses.status, await licenses.text()]).toEqual([
			200,
			expect.stringContaining('Apache License'),
		]);
	});
});
