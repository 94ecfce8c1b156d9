import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extensions } from '../../scripts/conformance/check.ts';
import { checksOf, checksOfExtensions, run } from '../../scripts/conformance/run.ts';
import { boundNumbers, databaseName } from '../../src/core/placement-setting.ts';
import type { Breakage } from '../support/broken-server/breakage.ts';
import { breakingProxy } from '../support/broken-server/proxy.ts';
import { KEYS, referenceServer } from '../support/reference-server.ts';
import { runHere } from '../support/run-here.ts';
import { ROOT, type Server, startServer } from '../support/server.ts';

/** Runs the command without blocking this process, which must read the server's log: the server stalls otherwise. */
const conformance = (...args: string[]) => conformanceWith({}, ...args);
const conformanceWith = (variables: Record<string, string>, ...args: string[]) =>
	new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
		const command = ['run', '--silent', 'conformance', '--', ...args];
		const child = execFile(
			'npm',
			command,
			{ cwd: ROOT, env: { ...process.env, ...variables } },
			(_, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
		);
	});

let server: Server;
beforeAll(async () => {
	server = await startServer({ WEBHOOKS_ALLOW_LOOPBACK: 'true' });
});
afterAll(() => server.close());

async function keys() {
	const userId = `user_${crypto.randomUUID()}`;
	return {
		apiKey: await server.newKey({ userId }),
		limitedApiKey: await server.newKey({ userId, permissions: ['PRODUCTS:READ'] }),
	};
}

/** In all databases of the server. One that has expired is gone: a check of expiries leaves it when the run takes long. */
const countSessions = async () => {
	const databases = boundNumbers(server.env).map((number) => server.env[databaseName(number)]);
	const rows = await Promise.all(
		databases.map((d1) =>
			d1
				?.prepare('SELECT count(*) AS n FROM sessions WHERE expires_at > ?')
				.bind(new Date().toISOString())
				.first<{ n: number }>(),
		),
	);
	return rows.reduce((sum, row) => sum + (row?.n ?? Number.NaN), 0);
};

/** Serves what responds to requests on a port of its own. */
async function listening(respond: (request: Request) => Promise<Response>) {
	const listener = createServer(async (incoming, outgoing) => {
		const body: Buffer[] = [];
		for await (const chunk of incoming) body.push(chunk as Buffer);
		const { method = 'GET', headers } = incoming;
		const response = await respond(
			new Request(new URL(incoming.url ?? '/', 'http://127.0.0.1'), {
				method,
				headers: headers.authorization === undefined ? {} : { Authorization: headers.authorization },
				...(body.length === 0 ? {} : { body: Buffer.concat(body) }),
			}),
		);
		outgoing.writeHead(response.status, Object.fromEntries(response.headers));
		outgoing.end(await response.text());
	}).listen(0, '127.0.0.1');
	await once(listener, 'listening');
	return {
		url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
		close: () => {
			listener.closeAllConnections();
			listener.close();
		},
	};
}

describe('npm run conformance', () => {
	it.each(['reference', 'strict'] as const)(
		'passes the %s profile on this service, prints one line for each check, and cleans up',
		async (profile) => {
			const { apiKey, limitedApiKey } = await keys();
			const { status, stdout } = await conformance(
				...['--base-url', `${server.url}/`, '--api-key', apiKey, '--limited-api-key', limitedApiKey],
				...['--profile', profile],
			);
			expect(status).toBe(0);
			const lines = stdout.split('\n');
			for (const { id, title, proves } of checksOf[profile]) {
				expect(lines).toContain(`ok    ${id.padEnd(25)}  ${title} [${proves}]`);
			}
			expect(stdout).toContain(`${checksOf[profile].length} passed, 0 failed, 0 skipped`);
			expect(stdout).toContain(`profile ${profile}`);
			expect(stdout).not.toContain(apiKey);
			expect(await countSessions()).toBe(0);
		},
	);

	it('passes all extensions on this service, beside the profile, and cleans up', async () => {
		const { apiKey } = await keys();
		const { status, stdout } = await conformance(
			...['--base-url', server.url, '--api-key', apiKey, '--extensions', '--json'],
		);
		const report = JSON.parse(stdout);
		expect(status).toBe(0);
		expect(report).toMatchObject({ profile: 'reference', extensions, failed: 0, skipped: 1 });
		const chosen = [...checksOf.reference, ...checksOfExtensions(extensions)];
		expect(report.checks.map(({ id }: { id: string }) => id)).toEqual(chosen.map(({ id }) => id));
		expect(await countSessions()).toBe(0);
	});

	it('checks some extensions, in any order, and names them', async () => {
		const { apiKey } = await keys();
		const { status, stdout } = await conformance(
			...['--base-url', server.url, '--api-key', apiKey, '--extensions', 'ttl,hash'],
		);
		expect(status).toBe(0);
		expect(stdout).toContain('[extensions: ttl.create]');
		expect(stdout).toMatch(/^skip {2}hash\.merged .*\n {6}needs the extension merge-patch$/m);
		expect(stdout).not.toContain('[extensions: steps.answer]');
		expect(stdout).toContain('profile reference, extensions hash, ttl');
	});

	it('passes the reference profile on a server that only follows the document, and not the strict one', async () => {
		const reference = await listening(referenceServer());
		const args = ['--base-url', reference.url, '--api-key', KEYS.full, '--limited-api-key', KEYS.readOnly];
		const lenient = await conformance(...args);
		const strict = await conformance(...args, '--profile', 'strict');
		reference.close();
		expect([lenient.status, lenient.stdout.match(/^FAIL.*/gm)]).toEqual([0, null]);
		expect(lenient.stdout).toContain(`${checksOf.reference.length} passed, 0 failed, 0 skipped`);
		expect([strict.status, strict.stdout.includes('[strict: fields.order]')]).toEqual([1, true]);
	});

	it('takes its keys from the environment', async () => {
		const { apiKey, limitedApiKey } = await keys();
		const variables = { SESSIONS_API_KEY: apiKey, SESSIONS_LIMITED_API_KEY: limitedApiKey };
		const { status, stdout } = await conformanceWith(
			variables,
			'--base-url',
			server.url,
			'--readonly',
			'--json',
		);
		const { checks: results } = JSON.parse(stdout) as { checks: { message?: string }[] };
		expect(status).toBe(0);
		expect(results.filter(({ message }) => message === 'needs --limited-api-key')).toEqual([]);
	});

	it('names the variable of a key that cannot be one', async () => {
		const { status, stderr } = await conformanceWith({ SESSIONS_API_KEY: 'a b' }, '--base-url', 'http://x');
		expect([status, stderr.split(':')[0]]).toEqual([2, 'SESSIONS_API_KEY']);
	});

	it('prints one JSON object with --json, and names the skipped checks', async () => {
		const { apiKey } = await keys();
		const { status, stdout } = await conformance('--base-url', server.url, '--api-key', apiKey, '--json');
		const report = JSON.parse(stdout);
		expect(status).toBe(0);
		expect(report).toMatchObject({
			profile: 'reference',
			passed: checksOf.reference.length - 1,
			failed: 0,
			skipped: 1,
		});
		expect(report.checks.map(({ id }: { id: string }) => id)).toEqual(checksOf.reference.map(({ id }) => id));
		expect(report.checks.find(({ status }: { status: string }) => status === 'skipped')).toEqual({
			id: 'access.read-only-key',
			proves: 'reference: calls.*.answers.403',
			title: expect.any(String),
			status: 'skipped',
			message: 'needs --limited-api-key',
		});
	});

	it('changes nothing with --readonly', async () => {
		const seen: string[] = [];
		const breakage: Breakage = { answer: ({ method, status }) => seen.push(`${method} ${status}`) };
		const proxy = await breakingProxy(server.url, breakage);
		const target = { baseUrl: proxy.url, ...(await keys()), timeout: 30_000 };
		const { results } = await run(target, {
			isReadonly: true,
			tell: () => {},
			chosen: [...checksOf.strict, ...checksOfExtensions(extensions)],
		});
		await proxy.close();
		expect(results.filter(({ status }) => status === 'passed').length).toBeGreaterThan(10);
		expect(results.filter(({ status }) => status === 'failed')).toEqual([]);
		// The writes that it sends are rejected, because they name no existing session.
		expect(seen.filter((each) => !each.startsWith('GET') && !/ 4\d\d$/.test(each))).toEqual([]);
	});

	it('exits with 1 when a check fails', async () => {
		const proxy = await breakingProxy(server.url, { answer: (exchange) => exchange.headers.delete('allow') });
		const { apiKey } = await keys();
		const { status, stdout } = await conformance(
			'--base-url',
			proxy.url,
			'--api-key',
			apiKey,
			'--readonly',
			'--profile',
			'strict',
		);
		await proxy.close();
		expect(status).toBe(1);
		expect(stdout).toMatch(/^FAIL {2}errors\.method .*\n {6}Allow lacks GET$/m);
	});

	it.each([[[]], [['--base-url', 'http://x']], [['--base-url', 'x', '--api-key', 'k']], [['--what']]])(
		'exits with 2 and prints the usage for %j',
		async (args) => {
			const { status, stdout, stderr } = await runHere(() => import('../../scripts/conformance.ts'), ...args);
			expect([status, stdout]).toEqual([2, '']);
			expect(stderr).toContain('npm run conformance -- --base-url URL');
		},
	);

	it('prints its usage for --help', async () => {
		const result = await runHere(() => import('../../scripts/conformance.ts'), '--help');
		expect(result).toEqual({
			status: 0,
			stdout: expect.stringContaining('npm run conformance -- --base-url URL'),
			stderr: '',
		});
	});

	it.each([
		['--profile', 'lenient'],
		['--extensions', 'steps,nonsense'],
		['--timeout', '0'],
		['--timeout', '1e9'],
		['--timeout', 'soon'],
		['--api-key', 'ключ'],
	])('exits with 2 and names the option for %s %s', async (option, value) => {
		const { status, stderr } = await runHere(
			() => import('../../scripts/conformance.ts'),
			...['--base-url', 'http://127.0.0.1:9', '--api-key', 'k', option, value],
		);
		expect([status, stderr.split(' ')[0]?.replace(/:$/, '')]).toEqual([2, option]);
	});

	it('exits with 1 and an error message when the server cannot be reached', async () => {
		const { status, stderr } = await conformance('--base-url', 'http://127.0.0.1:9', '--api-key', 'k');
		expect([status, stderr]).toEqual([1, expect.stringContaining('cannot be reached')]);
	});

	it('exits with 1 and an error message when the server does not respond in time', async () => {
		const silent = createServer(() => {}).listen(0, '127.0.0.1');
		await once(silent, 'listening');
		const baseUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
		const { status, stderr } = await conformance('--base-url', baseUrl, '--api-key', 'k', '--timeout', '0.2');
		silent.closeAllConnections();
		silent.close();
		expect([status, stderr]).toEqual([1, expect.stringContaining('did not respond within 0.2 s')]);
	});

	it('exits with 1 before any check when the server rejects the key', async () => {
		const { status, stdout, stderr } = await conformance('--base-url', server.url, '--api-key', 'k');
		expect([status, stdout]).toEqual([1, '']);
		expect(stderr).toContain('rejected the API key with 401');
	});

	it('exits with 1 before any check when the key may not list sessions', async () => {
		const apiKey = await server.newKey({ permissions: ['PRODUCTS:WRITE'] });
		const { status, stdout, stderr } = await conformance('--base-url', server.url, '--api-key', apiKey);
		expect([status, stdout]).toEqual([1, '']);
		expect(stderr).toContain('rejected the API key with 403, because it may not list sessions');
	});
});
