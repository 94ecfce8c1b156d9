import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { startBrowser } from '../support/browser.ts';
import { ROOT, type Server, startServer } from '../support/server.ts';

type Page = Awaited<ReturnType<Awaited<ReturnType<typeof startBrowser>>['newPage']>>;

/** A page that has the client in its global scope. */
const PAGE = `<!doctype html><title>A page elsewhere</title>
<script type="module">import { createClient } from '/client.js'; globalThis.createClient = createClient;</script>`;
type WithClient = { createClient: typeof createClient };

let server: Server;
let browser: Awaited<ReturnType<typeof startBrowser>>;
let pages: ReturnType<typeof createServer>;
let origin: string;
beforeAll(async () => {
	const { outputFiles } = await build({
		entryPoints: [join(ROOT, 'src/client/client.ts')],
		bundle: true,
		format: 'esm',
		write: false,
	});
	pages = createServer(({ url }, response) => {
		const isScript = url === '/client.js';
		response
			.writeHead(200, { 'Content-Type': isScript ? 'text/javascript' : 'text/html' })
			.end(isScript ? outputFiles[0]?.text : PAGE);
	});
	await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
	origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
	server = await startServer({ CORS_ORIGINS: origin });
	browser = await startBrowser();
});
afterAll(async () => {
	await browser?.close();
	await server?.close();
	pages?.close();
});

/** A generator's client, and a page of another origin that has only a key for one session. */
async function scene(append: readonly string[]) {
	const client = createClient({ baseUrl: server.url, token: await server.newKey() });
	const { id } = await client.create();
	const { key } = await client.createKey(id, { append });
	const page = await browser.newPage();
	await page.goto(origin);
	return { client, id, page, given: { baseUrl: server.url, token: key, id } };
}

/** Appends an event of each type in the page, with `fetch`, and returns the statuses. */
const appendInPage = (
	page: Page,
	given: { baseUrl: string; token: string; id: string },
	types: readonly string[],
) =>
	page.evaluate(
		async ({ baseUrl, token, id, types }) => {
			const statuses: number[] = [];
			for (const type of types) {
				const response = await fetch(`${baseUrl}/v1/products/generation/sessions/${id}/events`, {
					method: 'POST',
					headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
					body: JSON.stringify({ type }),
				});
				statuses.push(response.status);
			}
			return statuses;
		},
		{ ...given, types },
	);

it('a page answers what a generator asks, and the generator goes on', async () => {
	const { client, id, page, given } = await scene(['input.approved', 'input.rejected']);
	const answered = page.evaluate(async ({ baseUrl, token, id }) => {
		const guest = (globalThis as unknown as WithClient).createClient({ baseUrl, token });
		for await (const item of guest.follow(id)) {
			if (item.type !== 'event' || item.event.type !== 'input.requested') continue;
			return (await guest.append(id, { type: 'input.approved', payload: { asked: item.event.id } })).id;
		}
		return undefined;
	}, given);

	const asked = await client.append(id, { type: 'input.requested', message: 'Shall it be built?' });
	for await (const item of client.follow(id, { after: asked.id })) {
		if (item.type === 'event' && item.event.type === 'input.approved') {
			expect(item.event).toMatchObject({ id: await answered, payload: { asked: asked.id } });
			expect(item.event.userId).toBe(asked.userId);
			break;
		}
	}
	await client.update(id, { status: 'complete' });
	expect((await client.get(id)).events.map(({ type }) => type)).toEqual([
		'input.requested',
		'input.approved',
	]);
	await page.close();
});

it('a page cannot forge another type than its key lists', async () => {
	const { client, id, page, given } = await scene(['input.approved', 'note.*']);
	const forged = [
		'plan.ready',
		'input.requested',
		'Input.Approved',
		'input.approved ',
		' input.approved',
		'input.approved\u200b',
		'іnput.approved',
		'input．approved',
		'input.',
		'input.approved.',
		'note',
		'notes.a',
		'Note.a',
	];
	expect(await appendInPage(page, given, forged)).toEqual(forged.map(() => 403));
	expect(await appendInPage(page, given, ['input.approved', 'note.a', '', 'input.approved\n'])).toEqual([
		201, 201, 400, 400,
	]);
	const other = await client.create();
	expect(await appendInPage(page, { ...given, id: other.id }, ['input.approved', 'x'])).toEqual([404, 404]);
	expect((await client.get(id)).events.map(({ type }) => type)).toEqual(['input.approved', 'note.a']);
	await page.close();
});

it('a page reads why a type is refused', async () => {
	const { page, given } = await scene(['input.*']);
	const error = await page.evaluate(async ({ baseUrl, token, id }) => {
		return (globalThis as unknown as WithClient)
			.createClient({ baseUrl, token })
			.append(id, { type: 'plan.ready' })
			.then(
				() => undefined,
				({ code, status, message }) => ({ code, status, message }),
			);
	}, given);
	expect(error).toMatchObject({ code: 'FORBIDDEN', status: 403 });
	expect(error?.message).toContain('"input.*"');
	await page.close();
});
