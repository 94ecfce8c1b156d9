import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { ROOT } from './server.ts';

/** `wrangler dev` in a new process group, which can be killed with all of its processes. */
export interface DevServer {
	url: string;
	/** Sends SIGKILL to the whole group, and resolves when it has exited. */
	kill(): Promise<void>;
}

/** A free port. */
export const freePort = (): Promise<number> =>
	new Promise((resolve, reject) => {
		const probe = createServer();
		probe.once('error', reject);
		probe.listen(0, '127.0.0.1', () => {
			const address = probe.address();
			probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
		});
	});

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
			'--persist-to',
			persistTo,
			...others,
		],
		{
			cwd: ROOT,
			detached: true,
			stdio: 'ignore',
			env: { ...process.env, CI: 'true', WRANGLER_SEND_METRICS: 'false' },
		},
	);
	const url = `http://127.0.0.1:${port}`;
	for (let tries = 0; !(await answers(url)); tries += 1) {
		if (tries === 300 || child.exitCode !== null) {
			await killGroup(child);
			throw new Error(`wrangler dev did not start on port ${port} (exit code ${child.exitCode})`);
		}
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	return { url, kill: () => killGroup(child) };
}

const answers = (url: string): Promise<boolean> =>
	fetch(`${url}/nowhere`).then(
		(response) => response.status === 404,
		() => false,
	);

/** Sends SIGKILL to the process group that a process leads. Resolves when the process has exited, even if it had before. */
export async function killGroup(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const gone = new Promise((resolve) => child.once('exit', resolve));
	if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
	await gone;
}
