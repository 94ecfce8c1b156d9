import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, vi } from 'vitest';
import { isPortUsed, startWranglerDev } from '../../scripts/dev-server.ts';
import { npmRun, ROOT, withFolder } from '../support/server.ts';
import { standInWrangler } from '../support/stand-in-wrangler.ts';
import { freePort, killGroup } from '../support/wrangler-dev.ts';

/**
 * Runs `npm run dev` until it has printed its two lines and its link, and uses them while it serves. `printed` grows with each
 * line of standard output.
 */
async function withDev<T>(
	folder: string,
	use: (curls: string[], link: string, printed: readonly string[]) => T | Promise<T>,
): Promise<T> {
	const port = String(await freePort());
	const child = spawn('npm', ['run', 'dev', '--', '--port', port, '--persist-to', folder], {
		cwd: ROOT,
		detached: true,
		stdio: ['ignore', 'pipe', 'ignore'],
		env: { ...process.env, CI: 'true' },
	});
	try {
		const printed: string[] = [];
		createInterface({ input: child.stdout }).on('line', (line) => printed.push(line));
		const link = await vi.waitUntil(() => printed.find((line) => line.includes('/inspector#key=')), {
			timeout: 60_000,
		});
		return await use(
			printed.filter((line) => line.startsWith('curl ')),
			link,
			printed,
		);
	} finally {
		await killGroup(child);
	}
}

const paste = (line: string) =>
	JSON.parse(execFileSync('bash', ['-c', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));

describe('npm run dev', () => {
	it('prints two lines that can be pasted: create a session, then patch it', { timeout: 120_000 }, () =>
		withFolder(async (folder) => {
			const key = await withDev(folder, async ([create = '', patch = ''], link, printed) => {
				const created = paste(create);
				const patched = paste(patch);
				expect(Object.keys(patched)).toHaveLength(14);
				expect(patched).toMatchObject({ id: created.id, prd: created.prd, status: 'generating' });
				expect(patched.plan).not.toBeNull();
				const key = /rt_test_\w+/.exec(create)?.[0];
				// The link to the inspector is signed in with the same key.
				expect(link).toMatch(new RegExp(`^http://localhost:\\d+/inspector#key=${key}$`));
				expect(await (await fetch(link)).text()).toContain('/inspector/main.js');
				// Each request is logged, and no line of the log holds the key or a body.
				const logged = () => printed.slice(printed.indexOf(link) + 1).join('\n');
				await vi.waitUntil(() => /"message":"request".*"method":"PATCH"/.test(logged()), { timeout: 10_000 });
				expect(logged()).not.toContain(key);
				expect(logged()).not.toContain('Support assistant');
				// The bindings of the Worker are not listed.
				expect(printed.join('\n')).not.toContain('env.DB');
				return key;
			});
			// A later run keeps the key and the sessions.
			await withDev(folder, ([create = '', patch = '']) => {
				expect(create).toContain(key);
				expect(paste(patch).status).toBe('generating');
			});
		}),
	);

	it('refuses a port that is in use before it does anything', () =>
		withFolder((folder) =>
			withOtherServer('127.0.0.1', async (port) => {
				const persistTo = join(folder, 'state');
				const { status, stdout, stderr } = npmRun('dev', '--port', String(port), '--persist-to', persistTo);
				expect([status, stdout, existsSync(persistTo)]).toEqual([1, '', false]);
				expect(stderr).toContain(`Port ${port} is in use.`);
			}),
		));

	it.each(['65536', 'http'])('refuses the port %s', (port) => {
		const { status, stdout, stderr } = npmRun('dev', '--port', port);
		expect([status, stdout, stderr.trim()]).toEqual([2, '', '--port takes a number from 1 to 65535.']);
	});
});

/** Serves on a port while `use` runs, as a server of somebody else would. */
async function withOtherServer<T>(host: string, use: (port: number) => Promise<T>): Promise<T> {
	const other = createServer((_, response) => response.end('{}')).listen(0, host);
	await once(other, 'listening');
	try {
		return await use((other.address() as AddressInfo).port);
	} finally {
		other.close();
	}
}

const hasIpv6 = Object.values(networkInterfaces()).some((each) =>
	each?.some(({ address }) => address === '::1'),
);

describe('isPortUsed', () => {
	it('is false for a port without a server', async () =>
		expect(await isPortUsed(await freePort())).toBe(false));

	it('is true for a server on the IPv4 address', () =>
		withOtherServer('127.0.0.1', async (port) => expect(await isPortUsed(port)).toBe(true)));

	it.runIf(hasIpv6)('is true for a server on the IPv6 address', () =>
		withOtherServer('::1', async (port) => expect(await isPortUsed(port)).toBe(true)),
	);
});

describe('startWranglerDev', () => {
	/** Starts the stand-in for wrangler on a port that another server has. */
	const withStarted = (
		failing: string | undefined,
		use: (started: ReturnType<typeof startWranglerDev>) => unknown,
	) =>
		withFolder((folder) =>
			withOtherServer('127.0.0.1', async (port) => {
				for (const [name, value] of Object.entries(standInWrangler(folder).env(failing)))
					vi.stubEnv(name, value);
				const started = startWranglerDev(['--port', String(port)]);
				vi.unstubAllEnvs();
				const ended = once(started.child, 'exit');
				await use(started);
				await ended;
			}),
		);

	it('is not ready when another server answers and wrangler ends', () =>
		withStarted('dev', async ({ child, ready }) => {
			const ended = once(child, 'close').then(([code]) => `ended with ${code}`);
			expect(await Promise.race([ready, ended])).toBe('ended with 1');
		}));

	it('is ready on the port that wrangler reports, whatever port was asked for', () =>
		withStarted(undefined, async ({ ready }) => expect(await ready).toBe(8999)));
});
