import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { npmRun, ROOT } from './server.ts';

/** `wrangler dev` in a new process group, which can be killed with all of its processes. */
export interface DevServer {
	url: string;
	/** The end of what wrangler has printed. */
	output(): string;
	/** Sends SIGKILL to the whole group, and resolves when it has exited. */
	kill(): Promise<void>;
}

/** Ports from which no system chooses the local port of a connection: Linux begins with 32,768. */
const PORTS = { from: 20_000, count: 12_000 };

/**
 * A free port, which stays free while a server on it restarts. A port that the system chooses does not: a client that
 * connects again and again may get it as its own.
 */
export async function freePort(): Promise<number> {
	for (;;) {
		const port = PORTS.from + Math.floor(Math.random() * PORTS.count);
		if (await isFree(port)) return port;
	}
}

const isFree = (port: number): Promise<boolean> =>
	new Promise((resolve) => {
		const probe = createServer();
		probe.once('error', () => resolve(false));
		probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
	});

/** Prepares the local database in a folder, and makes an API key in it. */
export function prepareFolder(folder: string, user = 'user_1'): string {
	const migrate = ['d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', folder];
	const migrated = spawnSync('wrangler', migrate, { cwd: ROOT, env: { ...process.env, CI: 'true' } });
	if (migrated.status !== 0) throw new Error(`The migrations were not applied: ${migrated.stderr}`);
	const created = npmRun('keys', 'create', '--user', user, '--json', '--persist-to', folder);
	return (JSON.parse(created.stdout) as { key: string }).key;
}

/** Characters of wrangler's output that are kept for an error, and for tests. */
const MAX_OUTPUT = 10_000;

/** Serves the built Worker with the data in a folder, and waits until it responds. */
export async function startDev(
	persistTo: string,
	port: number,
	vars: Record<string, string> = {},
): Promise<DevServer> {
	const others = Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`]);
	const child = spawn(
		'wrangler',
		[
			'dev',
			'dist/worker/index.js',
			'--no-bundle',
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
