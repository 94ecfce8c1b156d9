import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { ROOT } from './server.ts';

/** `wrangler dev` in a process group of its own, so that it can be killed with all that it started. */
export interface DevServer {
	url: string;
	/** SIGKILL for the whole group; resolves when it is gone. */
	kill(): Promise<void>;
}

/** A port that nobody listens on. */
export const freePort = (): Promise<number> =>
	new Promise((resolve, reject) => {
		const probe = createServer();
		probe.once('error', reject);
		probe.listen(0, '127.0.0.1', () => {
			const address = probe.address();
			probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
		});
	});

/** Serves the built Worker on the files of a folder and waits until it answers. */
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

/** SIGKILL for a process that leads a group, and for all that it started; resolves when it is gone, also if it was before. */
export async function killGroup(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const gone = new Promise((resolve) => child.once('exit', resolve));
	if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
	await gone;
}
