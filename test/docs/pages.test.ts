import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { SESSIONS, send } from '../support/api.ts';
import { query } from '../support/database.ts';
import { faultyD1, serviceWith } from '../support/faulty-d1.ts';

describe('GET /', () => {
	it('returns the addresses of the documents to a program', async () => {
		const { status, json, headers } = await send('/');
		expect(status).toBe(200);
		for (const path of [json.docs, json.inspector, json.openapi, json.llms, json.llmsFull, json.health]) {
			expect((await send(String(path))).status, String(path)).toBe(200);
		}
		expect(json.sessions).toBe(SESSIONS);
		expect(headers.get('Link')).toContain('</openapi.json>; rel="service-desc"');
	});

	it('redirects a browser to the reference page', async () => {
		const { status, headers } = await send('/', {
			headers: { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' },
			redirect: 'manual',
		});
		expect([status, headers.get('Location')]).toEqual([302, '/docs']);
	});
});

describe('GET /healthz', () => {
	it('returns 200 and the deployed version when the database responds', async () => {
		const { id } = env.VERSION as WorkerVersionMetadata;
		expect(id).toMatch(/^[0-9a-f-]{36}$/);
		expect(await send('/healthz')).toMatchObject({ status: 200, json: { status: 'ok', version: id } });
	});

	it('returns no version where wrangler.toml does not bind it', async () => {
		const health = serviceWith({ VERSION: undefined })(new Request('https://api.test/healthz'));
		expect(await (await health).json()).toEqual({ status: 'ok', version: null });
	});

	it('returns 503 when the database does not respond', async () => {
		const faulty = faultyD1();
		faulty.next = Array(3).fill({ message: 'D1_ERROR: Network connection lost.', when: 'before' });
		const response = await serviceWith({ DB: faulty.d1 })(new Request('https://api.test/healthz'));
		expect([response.status, await response.json()]).toMatchObject([503, { code: 'DATABASE_UNAVAILABLE' }]);
	});

	it('returns 503 and says how to apply the migrations when a table is missing', async () => {
		const tables = await query<{ name: string }>(
			"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name <> 'd1_migrations'",
		);
		expect(tables.length).toBeGreaterThan(3);
		const error = vi.spyOn(console, 'error').mockImplementation(() => {});
		for (const { name } of tables) {
			await env.FURTHER_1.exec(`ALTER TABLE ${name} RENAME TO renamed`);
			const response = await serviceWith({ DB: env.FURTHER_1 })(new Request('https://api.test/healthz'));
			const body = await response.text();
			expect([name, response.status]).toEqual([name, 503]);
			expect(body).toContain('npm run deploy');
			expect(body).toContain('npx wrangler d1 migrations apply DB --local');
			expect(body).not.toContain('no such table');
			expect(String(error.mock.lastCall)).toContain(`no such table: ${name}`);
			expect(String(error.mock.lastCall)).toContain('npm run deploy');
			await env.FURTHER_1.exec(`ALTER TABLE renamed RENAME TO ${name}`);
		}
	});

	it('returns 503 when a column of a later migration is missing', async () => {
		vi.spyOn(console, 'error').mockImplementation(() => {});
		const status = async () =>
			(await serviceWith({ DB: env.FURTHER_1 })(new Request('https://api.test/healthz'))).status;
		expect(await status()).toBe(200);
		await env.FURTHER_1.exec('ALTER TABLE api_keys RENAME COLUMN append_types TO renamed');
		expect(await status()).toBe(503);
		await env.FURTHER_1.exec('ALTER TABLE api_keys RENAME COLUMN renamed TO append_types');
		expect(await status()).toBe(200);
	});
});

describe('the reference page', () => {
	it('is HTML that loads everything from its own origin', async () => {
		const { status, text, headers } = await send('/docs');
		expect([status, headers.get('Content-Type')]).toEqual([200, 'text/html; charset=utf-8']);
		const links = Array.from(text.matchAll(/(?:src|href)="([^"]+)"/g), ([, link]) => link ?? '');
		expect(links.length).toBeGreaterThan(3);
		for (const link of links) expect([link, (await send(link)).status]).toEqual([link, 200]);
		expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'");
	});

	it('sends its content security policy at each of its paths', async () => {
		for (const path of ['/docs', '/docs/', '/docs/page.html', '/docs/page%2Ehtml', '/docs/page.html/']) {
			const { status, headers } = await send(path);
			expect([path, status, headers.get('Content-Security-Policy')?.slice(0, 18)]).toEqual([
				path,
				200,
				"default-src 'none'",
			]);
		}
	});

	it('does not let a page that opens it, or the inspector, control its window', async () => {
		for (const path of ['/docs', '/docs/page.html', '/inspector', '/inspector/page.html']) {
			const { headers } = await send(path);
			expect([path, headers.get('Cross-Origin-Opener-Policy')]).toEqual([path, 'same-origin']);
		}
	});

	it('returns 404 for any other file', async () => {
		for (const path of ['/docs/none.js', '/docs/%00', '/docs/page.html/x']) {
			const { status, json } = await send(path);
			expect([path, status, json.code]).toEqual([path, 404, 'NOT_FOUND']);
		}
	});
});

describe('the inspector', () => {
	it('is HTML that loads everything from its own origin', async () => {
		const { status, text, headers } = await send('/inspector');
		expect([status, headers.get('Content-Type')]).toEqual([200, 'text/html; charset=utf-8']);
		const links = Array.from(text.matchAll(/(?:src|href)="([^"]+)"/g), ([, link]) => link ?? '');
		expect(links.length).toBeGreaterThan(2);
		for (const link of links) expect([link, (await send(link)).status]).toEqual([link, 200]);
	});

	it('sends a content security policy without exceptions at each of its paths', async () => {
		for (const path of ['/inspector', '/inspector/', '/inspector/page.html', '/inspector/main.js']) {
			const { status, headers } = await send(path);
			expect([path, status, headers.get('Content-Security-Policy')]).toEqual([
				path,
				200,
				"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			]);
		}
	});
});

it('serves a file of a page only below that page’s path, with that page’s policy', async () => {
	for (const path of [
		'/docs/..%2finspector%2fpage.html',
		'/docs/..%5cinspector%5cpage.html',
		'/docs/%2e%2e%2finspector/page.html',
		'/docs/..%2fopenapi.json',
		'/inspector/..%2fdocs%2fpage.html',
		'/inspector/..%2fllms.txt',
	]) {
		const { status, json } = await send(path);
		expect([path, status, json.code]).toEqual([path, 404, 'NOT_FOUND']);
	}
});

describe('the documents for language models', () => {
	it('are an overview with links, and the whole reference', async () => {
		const [overview, full] = [await send('/llms.txt'), await send('/llms-full.txt')];
		expect(overview.text).toMatch(/^# .+\n\n> .+\n/);
		expect(overview.text).toContain('](/llms-full.txt)');
		for (const { text } of [overview, full]) {
			for (const call of ['GET', 'POST']) expect(text).toContain(`${call} ${SESSIONS}`);
			for (const call of ['GET', 'PATCH', 'DELETE']) expect(text).toContain(`${call} ${SESSIONS}/{id}`);
		}
		for (const word of [
			'SESSION_NOT_FOUND',
			'IDEMPOTENCY_KEY_REUSED',
			'at most 255 characters',
			'If-Match',
		]) {
			expect(full.text).toContain(word);
		}
		expect(full.text).not.toMatch(/undefined|\[object|: anything/);
	});
});

describe('a public page', () => {
	it('accepts no other method', async () => {
		for (const path of ['/', '/healthz', '/openapi.json', '/docs', '/llms.txt', '/llms-full.txt']) {
			const { status, json, headers } = await send(path, { method: 'POST' });
			expect([path, status, json.code, headers.get('Allow')]).toEqual([
				path,
				405,
				'METHOD_NOT_ALLOWED',
				'GET, HEAD',
			]);
		}
	});
});

describe('a file of a page', () => {
	const FILES = [
		...['/docs', '/docs/page.css', '/docs/swagger-ui-bundle.js', '/inspector', '/inspector/main.js'],
		...['/openapi.json', '/llms.txt', '/llms-full.txt'],
	];

	it.each(FILES)('%s is kept by a browser, which asks each time whether it is current', async (path) => {
		const first = await send(path);
		const etag = first.headers.get('ETag') ?? '';
		expect([first.status, first.headers.get('Cache-Control')]).toEqual([200, 'no-cache']);
		expect(etag).toMatch(/^"[^"]+"$/);
		// Cloudflare's edge weakens the tag of a response that it compresses.
		for (const known of [etag, `W/${etag}`]) {
			const again = await send(path, { headers: { 'If-None-Match': known } });
			expect([again.status, again.text, again.headers.get('ETag')]).toEqual([304, '', etag]);
			for (const name of ['Cache-Control', 'Content-Security-Policy', 'X-Content-Type-Options'])
				expect([name, again.headers.get(name)]).toEqual([name, first.headers.get(name)]);
		}
	});

	it.each(FILES)('%s is sent whole to a browser that has the file of an earlier deployment', async (path) => {
		const { status, text } = await send(path, { headers: { 'If-None-Match': '"earlier"' } });
		expect([status, text.length > 0]).toEqual([200, true]);
	});

	it('that does not exist is not kept', async () => {
		const { status, headers } = await send('/docs/none.js', { headers: { 'If-None-Match': '"earlier"' } });
		expect([status, headers.get('Cache-Control')]).toEqual([404, 'no-store']);
	});
});
