import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, type Server, startServer, withFolder } from '../support/server.ts';

let server: Server;
beforeAll(async () => {
	server = await startServer();
});
afterAll(() => server?.close());

/** The shell snippets of a page that call the local server, joined into one script. */
function script(page: string): string {
	const text = readFileSync(join(ROOT, page), 'utf8');
	const snippets = Array.from(text.matchAll(/```sh\n([\s\S]*?)```/g), ([, snippet = '']) => snippet);
	return snippets.filter((snippet) => /\$(KEY|SESSION)|curl/.test(snippet)).join('\n');
}

/** Runs the snippets in order, in one shell that stops at the first failure. */
async function run(page: string): Promise<string> {
	return withFolder(async (folder) => {
		mkdirSync(join(folder, '.wrangler'));
		writeFileSync(join(folder, '.wrangler/local-api-key'), await server.newKey());
		writeFileSync(join(folder, '.wrangler/local-url'), server.url);
		const command = promisify(execFile)('bash', ['-euc', script(page)], { cwd: folder });
		return (await command).stdout;
	});
}

describe('the snippets for a shell', () => {
	it('in the README have the described effect', async () => {
		const output = await run('README.md');
		expect(output).toContain('"api":{"state":"built"}');
		expect(output).toContain('"ui":{"state":"failed"}');
		expect(output).toContain('"type":"plan.ready"');
		expect(output).not.toContain('"error"');
	});

	it('in docs/looking-back.md have the described effect', async () => {
		const output = await run('docs/looking-back.md');
		expect(output).toContain('"changed":["plan","status"],"etag":"\\"3\\""');
		expect(output.match(/"plan":\{"steps":3\}/g)).toHaveLength(2);
		expect(output).not.toContain('"error"');
	});

	it('in docs/concurrency.md have the described effect', async () => {
		const output = await run('docs/concurrency.md');
		expect(output).toContain('"api":{"state":"built"}');
		expect(output).toContain('"ui":{"state":"failed"}');
		expect(output).toContain('first: 200\nsecond: 412\n');
		const ids = Array.from(output.matchAll(/"id":"(evt_\w+)"/g), ([, id]) => id);
		expect(ids[0]).toBe(ids[1]);
		expect(output).not.toContain('"error"');
	});
});
