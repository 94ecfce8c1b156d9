import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it, vi } from 'vitest';
import { newApiKey } from '../../src/auth/api-key-format.ts';
import { ROOT, withFolder } from '../support/server.ts';
import { freePort, startDev } from '../support/wrangler-dev.ts';

const SESSIONS = '/v1/products/generation/sessions';

it('says how to apply the migrations when wrangler dev starts on an empty folder, and works once they are', () =>
	withFolder(async (folder) => {
		const server = await startDev(folder, await freePort());
		try {
			const { key } = await newApiKey('test');
			for (const path of ['/healthz', SESSIONS]) {
				const response = await fetch(server.url + path, { headers: { Authorization: `Bearer ${key}` } });
				const body = await response.text();
				expect([path, response.status]).toEqual([path, 503]);
				expect(body).toContain('npm run deploy');
				expect(body).toContain('npx wrangler d1 migrations apply DB --local');
			}
			const apply = ['d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', folder];
			// It throws when the command fails. spawnSync would keep this process from noticing that connections are closed.
			await promisify(execFile)('wrangler', apply, { cwd: ROOT });
			expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
		} finally {
			await server.kill();
		}
	}));

it('logs the stack of a bug with the files of the sources, though the script is minified', () =>
	withFolder(async (folder) => {
		const server = await startDev(folder, await freePort(), { SESSION_TTL_SECONDS: 'soon' });
		try {
			expect((await fetch(`${server.url}/healthz`)).status).toBe(500);
			await vi.waitUntil(() => /src\/core\/settings\.ts:\d+/.test(server.output()), { timeout: 300_000 });
		} finally {
			await server.kill();
		}
	}));
