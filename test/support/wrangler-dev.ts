import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { getPlatformProxy, unstable_splitSqlQuery } from 'wrangler';
import { issueKey } from '../../src/auth/issue-key.ts';
import { openDatabase } from '../../src/database/database.ts';
import { ROOT, withAbsolutePaths } from './server.ts';

/** `wrangler dev` in a new process group, which can be killed with all of its processes. */
export interface DevServer {
	url: string;
	/** The end of what wrangler has printed. */
	output(): string;
	/** Sends SIGKILL to the whole group, and resolves when it has exited. */
	kill(): Promise<void>;
}

/** Ports from which no system chooses the local port of a connection: Linux begins with 32,768. Each worker of vitest has its own. */
const PORTS = { from: 20_000, ofWorker: 750, workers: 16 };
const given = new Set<number>();

/**
 * A free port, which stays free while a server on it restarts. A port that the system chooses does not: a client that
 * connects again and again may get it as its own. No two tests get the same port before a server listens on it.
 */
export async function freePort(): Promise<number> {
	const worker = Number(process.env.VITEST_POOL_ID ?? 0) % PORTS.workers;
	for (;;) {
		const port = PORTS.from + worker * PORTS.ofWorker + Math.floor(Math.random() * PORTS.ofWorker);
		if (given.has(port)) continue;
		given.add(port);
		if (await isFree(port)) return port;
	}
}

const isFree = (port: number): Promise<boolean> =>
	new Promise((resolve) => {
		const probe = createServer();
		probe.once('error', () => resolve(false));
		probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
	});

/**
 * Prepares the local database in a folder, and makes an API key in it. It does so in this process: the commands load wrangler
 * twice more, which takes longer than most tests.
 */
export async function prepareFolder(folder: string, user = 'user_1'): Promise<string> {
	const { env, dispose } = await getPlatformProxy<{ DB: D1Database }>({
		configPath: join(ROOT, 'wrangler.toml'),
		persist: { path: join(folder, 'v3') },
	});
	try {
		const migrations = join(ROOT, 'migrations');
		for (const name of readdirSync(migrations).toSorted()) {
			const statements = unstable_splitSqlQuery(readFileSync(join(migrations, name), 'utf8'));
			await env.DB.batch(statements.map((statement) => env.DB.prepare(statement)));
		}
		const { key } = await issueKey(openDatabase(env.DB), {
			userId: user,
			organizationId: null,
			name: null,
			permissions: ['PRODUCTS:*'],
			environment: 'live',
			expiresAt: null,
		});
		return key;
	} finally {
		await dispose();
	}
}

/** A wrangler.toml without its build, which would delete and write the files that the servers of other tests serve. */
const withoutBuild = (toml: string): string =>
	withAbsolutePaths(toml.replace(/^\[build\]\ncommand = .*\n/m, ''));

/** Characters of wrangler's output that are kept for an error, and for tests. */
const MAX_OUTPUT = 10_000;

/** Serves the built Worker with the data in a folder, and waits until it responds. */
export async function startDev(
	persistTo: string,
	port: number,
	vars: Record<string, string> = {},
): Promise<DevServer> {
	const config = join(persistTo, 'wrangler.toml');
	writeFileSync(config, withoutBuild(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8')));
	const others = Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`]);
	const child = spawn(
		'wrangler',
		[
			'dev',
			join(ROOT, 'dist/worker/index.js'),
			'--no-bundle',
			'--config',
			config,
			'--port',
			String(port),
			// By default wrangler looks for a free port from 9229 on, and two that start at once choose the same.
			'--inspector-port',
			'0',
			'--persist-to',
			persistTo,
			...others,
		],
		{
			cwd: ROOT,
			detached: true,
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, CI: 'true', WRANGLER_SEND_METRICS: 'false' },
		},
	);
	let said = '';
	for (const output of [child.stdout, child.stderr]) {
		output.setEncoding('utf8').on('data', (text: string) => {
			said = `${said}${text}`.slice(-MAX_OUTPUT);
		});
	}
	const url = `http://127.0.0.1:${port}`;
	for (let tries = 0; !(await answers(url)); tries += 1) {
		if (tries === 3000 || child.exitCode !== null) {
			await killGroup(child);
			throw new Error(`wrangler dev did not start on port ${port} (exit code ${child.exitCode}):\n${said}`);
		}
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	return { url, output: () => said, kill: () => killGroup(child) };
}

const answers = (url: string): Promise<boolean> =>
	fetch(`${url}/nowhere`).then(
		// 500 when a setting is invalid.
		({ status }) => status === 404 || status === 500,
		() => false,
	);

/** Sends SIGKILL to the process group that a process leads. Resolves when the process has exited, even if it had before. */
export async function killGroup(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const gone = new Promise((resolve) => child.once('exit', resolve));
	if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
	await gone;
}
