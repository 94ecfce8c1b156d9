import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { ANSWERS, generateWithApproval } from '../../examples/approval.ts';
import { generate } from '../../examples/generator.ts';
import { mockModel } from '../../examples/mock-model.ts';
import { pageServer } from '../../examples/page.ts';
import { createClient } from '../../src/client/client.ts';
import { startBrowser } from '../support/browser.ts';
import { startServer } from '../support/server.ts';

it('the page of the examples shows a generation live, with a key for its session alone', async () => {
	const server = await startServer({ CORS_ORIGINS: '*' });
	const service = { baseUrl: server.url, token: await server.newKey() };
	const pages = (await pageServer(service)).listen(0, '127.0.0.1');
	await once(pages, 'listening');
	const browser = await startBrowser();
	try {
		const client = createClient(service);
		const { id } = await client.create({ prd: { title: 'Support assistant' } });
		const page = await browser.newPage();
		const errors: Error[] = [];
		page.on('pageerror', (error) => errors.push(error));
		const sent: string[] = [];
		page.on('request', (request) => sent.push(request.headers().authorization ?? ''));
		await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/?session=${id}`);
		await page.getByRole('status').getByText('intake').waitFor();
		await generate({ client, model: mockModel(), id });
		await page.getByRole('status').getByText('complete').waitFor();
		const modules = await page.locator('#modules li').allInnerTexts();
		expect(modules.toSorted()).toEqual(['api: built', 'billing: built', 'ui: built']);
		const lines = await page.locator('#events li').allInnerTexts();
		expect(lines[0]).toBe('plan.ready');
		expect(lines).toContain('module.failed: ui: The model is overloaded.');
		expect(lines.at(-1)).toBe('product.ready');
		expect(sent.filter((header) => header !== '').length).toBeGreaterThan(0);
		expect(sent.join()).not.toContain(service.token);
		expect(errors).toEqual([]);
	} finally {
		await browser.close();
		pages.close();
		await server.close();
	}
});

it('the approval of the examples: a person approves a plan on a page, which has only a key for answers', async () => {
	const server = await startServer({ CORS_ORIGINS: '*' });
	const service = { baseUrl: server.url, token: await server.newKey() };
	const pages = (await pageServer(service, { page: 'approval.html', append: ANSWERS })).listen(
		0,
		'127.0.0.1',
	);
	await once(pages, 'listening');
	const browser = await startBrowser();
	try {
		const client = createClient(service);
		const { id } = await client.create({ prd: { title: 'Support assistant' } });
		const page = await browser.newPage();
		const errors: Error[] = [];
		page.on('pageerror', (error) => errors.push(error));
		const sent: string[] = [];
		page.on('request', (request) => sent.push(request.headers().authorization ?? ''));
		await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/?session=${id}`);
		const button = page.getByRole('button', { name: 'Build it' });
		await page.getByRole('status').getByText('intake').waitFor();
		expect(await button.isVisible()).toBe(false);
		const generation = generateWithApproval({ client, model: mockModel(), id });
		await button.waitFor();
		await expect.poll(() => page.locator('#plan').innerText()).toContain('"billing"');
		expect((await client.get(id)).status).toBe('generating');
		await button.click();
		await generation;
		await page.getByRole('status').getByText('complete').waitFor();
		await expect.poll(() => button.isVisible()).toBe(false);
		const types = (await client.get(id)).events.map(({ type }) => type);
		expect(types.slice(0, 3)).toEqual(['plan.ready', 'input.requested', 'input.approved']);
		expect(types.at(-1)).toBe('product.ready');
		expect(sent.filter((header) => header !== '').length).toBeGreaterThan(0);
		expect(sent.join()).not.toContain(service.token);
		expect(errors).toEqual([]);
	} finally {
		await browser.close();
		pages.close();
		await server.close();
	}
});
