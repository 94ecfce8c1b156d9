import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ROOT } from './server.ts';
import { until } from './until.ts';
import { freePort, killGroup } from './wrangler-dev.ts';

/** What `npm run dev` has printed, and the address of its server. */
export interface Dev {
	origin: string;
	/** The lines that create and patch a session. */
	curls: string[];
	/** The key in these lines. */
	key: string;
	/** The link to the inspector. */
	link: string;
	/** The code in this link. */
	code: string;
	/** Grows with each line of standard output. */
	printed: readonly string[];
}

/** Starts `npm run dev` on a folder, and resolves when it has printed its link. `stop` ends it with all of its processes. */
export async function startNpmDev(
	folder: string,
	env: Record<string, string> = {},
): Promise<Dev & { stop(): Promise<void> }> {
	const port = String(await freePort());
	const child = spawn('npm', ['run', 'dev', '--', '--port', port, '--persist-to', folder], {
		cwd: ROOT,
		detached: true,
		stdio: ['ignore', 'pipe', 'pipe'],
		env: { ...process.env, CI: 'true', ...env },
	});
	const stop = () => killGroup(child);
	try {
		const printed: string[] = [];
		const complaints: string[] = [];
		createInterface({ input: child.stdout }).on('line', (line) => printed.push(line));
		createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line));
		await until(() => {
			const isReady = printed.includes('Each request writes a line below.');
			if (!isReady) throw new Error(`npm run dev is not ready:\n${[...printed, ...complaints].join('\n')}`);
		});
		const link = printed.find((line) => line.includes('/inspector#')) ?? '';
		const curls = printed.filter((line) => line.startsWith('curl '));
		const key = /rt_test_\w+/.exec(curls[0] ?? '')?.[0] ?? '';
		const code = link.split('#code=')[1] ?? '';
		return { origin: new URL(link).origin, curls, key, link, code, printed, stop };
	} catch (error) {
		await stop();
		throw error;
	}
}

/** Runs `npm run dev` on a folder, and uses it while it serves. */
export async function withDev<T>(
	folder: string,
	use: (dev: Dev) => T | Promise<T>,
	env: Record<string, string> = {},
): Promise<T> {
	const { stop, ...dev } = await startNpmDev(folder, env);
	try {
		return await use(dev);
	} finally {
		await stop();
	}
}
