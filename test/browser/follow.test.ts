import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowser } from '../support/browser.ts';
import { type Server, startServer } from '../support/server.ts';

const SESSIONS = '/v1/products/generation/sessions';

let pages: HttpServer;
let server: Server;
let browser: Browser;
let page: Page;
beforeAll(async () => {
	pages = createServer((_, response) => {
		response
			.writeHead(200, { 'Content-Type': 'text/html' })
			.end('<!doctype html><title>A page elsewhere</title>');
	});
	await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
	const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
	server = await startServer({ CORS_ORIGINS: origin });
	browser = await startBrowser();
	page = await browser.newPage();
	await page.goto(origin);
});
afterAll(async () => {
	await browser?.close();
	await server?.close();
	pages?.close();
});

async function call(key: string, method: string, path: string, body?: object) {
	const response = await fetch(server.url + SESSIONS + path, {
		method,
		headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
		...(body ? { body: JSON.stringify(body) } : {}),
	});
	return (await response.json()) as { id: string; key: string };
}

/** Follows in the page until `count` events have arrived, and returns their ids in the order of arrival. */
const followInPage = (url: string, key: string, count: number, lastEventId?: string) =>
	page.evaluate(
		async ([address, secret, wanted, cursor]) => {
			const response = await fetch(address, {
				headers: {
					Authorization: `Bearer ${secret}`,
					Accept: 'text/event-stream',
					...(cursor ? { 'Last-Event-ID': cursor } : {}),
				},
			});
			const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
			let text = '';
			const ids = () => Array.from(text.matchAll(/^id: (\S+)$/gm), ([, id = '']) => id);
			while (reader && ids().length < wanted) {
				const { done, value } = await reader.read();
				if (done) break;
				text += value;
			}
			await reader?.cancel();
			return { status: response.status, requestId: response.headers.get('X-Request-Id'), ids: ids() };
		},
		[url, key, count, lastEventId] as const,
	);

it('follows and resumes one session from a page of another origin with a session key, which allows nothing else', async () => {
	const owner = await server.newKey();
	const { id } = await call(owner, 'POST', '', {});
	const { id: other } = await call(owner, 'POST', '', {});
	const first = await call(owner, 'POST', `/${id}/events`, { type: 'one' });
	const { key, id: keyId } = await call(owner, 'POST', `/${id}/keys`);
	const url = `${server.url}${SESSIONS}/${id}/events`;

	const following = followInPage(url, key, 3);
	const second = await call(owner, 'POST', `/${id}/events`, { type: 'two' });
	const third = await call(owner, 'POST', `/${id}/events`, { type: 'three' });
	expect(await following).toEqual({
		status: 200,
		requestId: expect.any(String),
		ids: [first.id, second.id, third.id],
	});
	expect((await followInPage(url, key, 1, second.id)).ids).toEqual([third.id]);

	const statusInPage = (method: string, path: string) =>
		page.evaluate(
			async ([address, verb, secret]) => {
				const headers = { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' };
				const body = verb === 'GET' ? {} : { body: '{}' };
				return (await fetch(address, { method: verb, headers, ...body })).status;
			},
			[server.url + SESSIONS + path, method, key] as const,
		);
	expect(await statusInPage('GET', `/${id}`)).toBe(200);
	expect(await statusInPage('GET', `/${other}`)).toBe(404);
	for (const [method, path] of [
		['GET', ''],
		['POST', ''],
		['PATCH', `/${id}`],
		['DELETE', `/${id}`],
		['POST', `/${id}/keys`],
		['DELETE', `/${id}/keys/${keyId}`],
	] as const) {
		expect([method, path, await statusInPage(method, path)]).toEqual([method, path, 403]);
	}
});
