import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isPortUsed, startWranglerDev } from '../../scripts/dev-server.ts';
import { type Dev, startNpmDev } from '../support/dev.ts';
import { npmRun, withFolder } from '../support/server.ts';
import { standInWrangler } from '../support/stand-in-wrangler.ts';
import { freePort } from '../support/wrangler-dev.ts';

const paste = (line: string) =>
	JSON.parse(execFileSync('bash', ['-c', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));

/** Sends a code as a page of an origin does, or as a program that names none. */
const sendCode = (dev: Dev, code: string, origin?: string) =>
	fetch(`${dev.origin}/inspector/code`, {
		method: 'POST',
		body: code,
		headers: origin === undefined ? {} : { Origin: origin },
	});

/** The local files whose mode lets somebody other than their owner in. */
const openToOthers = (folder: string) =>
	readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
		(name) => (statSync(join(folder, name)).mode & 0o077) !== 0,
	);

describe('npm run dev', () => {
	let folder: string;
	let dev: Awaited<ReturnType<typeof startNpmDev>>;
	beforeAll(async () => {
		folder = mkdtempSync(join(tmpdir(), 'sessions-'));
		// The folder itself is the one of its user.
		chmodSync(folder, 0o755);
		dev = await startNpmDev(folder);
	});
	afterAll(async () => {
		await dev?.stop();
		rmSync(folder, { recursive: true, force: true });
	});

	it('prints two lines that can be pasted: create a session, then patch it', async () => {
		const { curls, key, link, printed } = dev;
		const [create = '', patch = ''] = curls;
		const created = paste(create);
		const patched = paste(patch);
		expect(Object.keys(patched)).toHaveLength(14);
		expect(patched).toMatchObject({ id: created.id, prd: created.prd, status: 'generating' });
		expect(patched.plan).not.toBeNull();
		// The link to the inspector has a code in place of the key.
		expect(link).toMatch(/^http:\/\/localhost:\d+\/inspector#code=[\w-]{43}$/);
		expect(await (await fetch(link)).text()).toContain('/inspector/main.js');
		// The lines for clients of the Model Context Protocol lead to a server that knows the key.
		const addressed = printed.filter((line) => line.includes('/mcp') && line.includes(key));
		expect(addressed.map((line) => line.split(' ')[0])).toEqual(['claude', 'code', 'npx']);
		// Each request is logged, and no line of the log holds the key or a body.
		const logged = () => printed.slice(printed.indexOf('Each request writes a line below.') + 1).join('\n');
		await vi.waitUntil(() => /"message":"request".*"method":"PATCH"/.test(logged()), { timeout: 300_000 });
		expect(logged()).not.toContain(key);
		expect(logged()).not.toContain('Support assistant');
		// The bindings of the Worker are not listed.
		expect(printed.join('\n')).not.toContain('env.DB');
	});

	it('gives its key for the code of its link once, to a page of its own origin', async () => {
		const { origin, code, key } = dev;
		const refused = [
			await sendCode(dev, code, 'http://localhost:3000'),
			await sendCode(dev, code, 'null'),
			await sendCode(dev, code),
			await sendCode(dev, 'x'.repeat(43), origin),
			await sendCode(dev, 'x'.repeat(100_000), origin),
			await sendCode(dev, '', origin),
		];
		expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 401, 401, 401]);
		for (const response of refused) expect(await response.text()).not.toContain(key);
		const taken = await sendCode(dev, code, origin);
		expect([taken.status, await taken.text()]).toEqual([200, key]);
		expect(taken.headers.get('Cache-Control')).toBe('no-store');
		expect(taken.headers.get('Access-Control-Allow-Origin')).toBeNull();
		expect((await sendCode(dev, code, origin)).status).toBe(401);
		expect((await fetch(`${origin}/inspector/code`)).status).toBe(404);
	});

	it('serves nothing of wrangler that reads the database without a key', async () => {
		const { origin } = dev;
		const paths = ['/cdn-cgi/local/explorer', '/cdn-cgi/explorer'].flatMap((path) =>
			['', '/', '/api', '/api/d1/database', '/api/d1/database/DB/raw', '/api/local/workers'].map(
				(rest) => path + rest,
			),
		);
		for (const path of paths) {
			for (const method of ['GET', 'POST']) {
				for (const headers of [
					{},
					{ Origin: origin },
					{ Origin: 'http://localhost:3000' },
					{ 'MF-Original-URL': `http://localhost${path}` },
				]) {
					const url = origin + ('MF-Original-URL' in headers ? '/' : path);
					const response = await fetch(url, { method, headers });
					expect([method, path, response.status]).toEqual([method, path, 404]);
					expect(await response.json()).toMatchObject({ code: 'NOT_FOUND' });
				}
			}
		}
		expect(readdirSync(join(folder, 'v3'))).not.toContain('observability');
	});

	it('lets nobody but their owner read local files', () => {
		paste(dev.curls[0] ?? '');
		const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
		expect(names.filter((name) => name.endsWith('.sqlite')).length).toBeGreaterThan(2);
		expect(openToOthers(folder)).toEqual([]);
		expect(statSync(folder).mode & 0o777).toBe(0o755);
	});

	describe('on the folder of an earlier run', () => {
		let earlier: typeof dev;
		beforeAll(async () => {
			earlier = dev;
			paste(earlier.curls[0] ?? '');
			await earlier.stop();
			for (const name of readdirSync(join(folder, 'v3'), { recursive: true, encoding: 'utf8' })) {
				const path = join(folder, 'v3', name);
				chmodSync(path, statSync(path).isDirectory() ? 0o755 : 0o644);
			}
			chmodSync(join(folder, 'local-api-key'), 0o644);
			dev = await startNpmDev(folder);
		});

		it('keeps the key and the sessions', () => {
			const { curls, origin, printed } = dev;
			const [create = '', patch = ''] = curls;
			expect(create).toContain(earlier.key);
			expect(paste(patch).status).toBe('generating');
			// Programs find the service by files.
			expect(readFileSync(join(folder, 'local-url'), 'utf8')).toBe(`${origin}\n`);
			expect(readFileSync(join(folder, 'local-api-key'), 'utf8')).toBe(`${earlier.key}\n`);
			// Before its own words, a newcomer sees only npm's and that the server is ready.
			const before = printed.slice(0, printed.indexOf(`The service runs at ${origin}. Stop it with Ctrl+C.`));
			const others = before.filter((line) => line.trim() !== '' && !line.startsWith('> '));
			expect(others).toEqual([expect.stringContaining(`Ready on ${origin}`)]);
		});

		it('lets nobody but their owner read the files of that run either', () => {
			expect(openToOthers(folder)).toEqual([]);
			expect(statSync(folder).mode & 0o777).toBe(0o755);
		});
	});

	it.each(['--help', '-h'])('prints its usage for %s, and starts nothing', (option) => {
		const { status, stdout, stderr } = npmRun('dev', option);
		expect([status, stderr]).toEqual([0, '']);
		expect(stdout).toContain('npm run dev -- [--port NUMBER]');
	});

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
