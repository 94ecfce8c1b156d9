import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, withFolder } from '../support/server.ts';
import { standInWrangler } from '../support/stand-in-wrangler.ts';

const NAME = 'product-generation-sessions';

/** Runs `keys list --remote` as npm does, but without npm's own folders at the start of PATH. */
const listRemote = (env: Record<string, string>) =>
	new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
		const child = execFile(
			process.execPath,
			[join(ROOT, 'scripts/keys.ts'), 'list', '--remote'],
			{ env: { ...process.env, ...env } },
			(_, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
		);
	});

/** Serves the part of Cloudflare's API that wrangler calls before it uploads the Worker that gives access to the database. */
async function withApi<T>(use: (url: string, uploads: string[]) => Promise<T>): Promise<T> {
	const uploads: string[] = [];
	const api = createServer(async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		const isUpload = request.method === 'POST';
		if (isUpload) uploads.push(Buffer.concat(chunks).toString());
		response.statusCode = isUpload ? 403 : 200;
		const errors = isUpload ? [{ code: 10000, message: 'Authentication error' }] : [];
		response.end(
			JSON.stringify({ success: !isUpload, result: { token: 't', subdomain: 's' }, errors, messages: [] }),
		);
	}).listen(0, '127.0.0.1');
	await once(api, 'listening');
	try {
		return await use(`http://127.0.0.1:${(api.address() as AddressInfo).port}`, uploads);
	} finally {
		api.close();
	}
}

describe.concurrent('npm run keys -- --remote', () => {
	it('finds the id of the database by its name, and reports a database that cannot be reached', () =>
		withFolder((folder) =>
			withApi(async (url, uploads) => {
				const { env, calls } = standInWrangler(folder, [NAME]);
				const { status, stdout, stderr } = await listRemote({
					...env(),
					CLOUDFLARE_API_BASE_URL: url,
					CLOUDFLARE_API_TOKEN: 'token',
					CLOUDFLARE_ACCOUNT_ID: '0'.repeat(32),
				});
				expect(calls()).toEqual([`d1 info ${NAME} --json`]);
				expect(uploads[0]).toContain(`"name":"DB","type":"d1","id":"id of ${NAME}"`);
				expect([status, stdout]).toEqual([1, '']);
				expect(stderr).toContain('The remote database cannot be reached: ');
				expect(stderr).not.toMatch(/^ +at /m);
			}),
		));

	it('shows the message of wrangler when the look-up of the database fails', () =>
		withFolder(async (folder) => {
			const { status, stdout, stderr } = await listRemote(standInWrangler(folder).env('d1 info'));
			expect([status, stdout, stderr.trim()]).toEqual([1, '', 'wrangler says what went wrong']);
		}));

	it('says in one sentence that there is no login', () =>
		withFolder(async (folder) => {
			const { env, calls } = standInWrangler(folder);
			const { status, stdout, stderr } = await listRemote({ ...env(), LOGGED_IN: 'false' });
			expect([status, stdout, calls()]).toEqual([1, '', []]);
			expect(stderr.trim()).toMatch(/^wrangler is not logged in .*`npx wrangler login`.*\.$/);
		}));

	it('tells the operator to deploy when the account does not have the database', () =>
		withFolder(async (folder) => {
			const { status, stdout, stderr } = await listRemote(standInWrangler(folder).env());
			expect([status, stdout]).toEqual([1, '']);
			expect(stderr.trim()).toBe(`The database ${NAME} does not exist yet: run \`npm run deploy\` first.`);
		}));
});
