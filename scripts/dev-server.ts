import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { quiet, ROOT } from './wrangler.ts';

/**
 * Returns whether a program listens on a port of this machine. Both loopback addresses count: clients try both for
 * `localhost`, so a server on the other one would receive their requests.
 */
export async function isPortUsed(port: number): Promise<boolean> {
	const used = await Promise.all(['127.0.0.1', '::1'].map((host) => isListening(host, port)));
	return used.includes(true);
}

const isListening = (host: string, port: number): Promise<boolean> =>
	new Promise((resolve) => {
		const socket = connect(port, host);
		socket.once('connect', () => {
			socket.destroy();
			resolve(true);
		});
		socket.once('error', () => resolve(false));
	});

/**
 * Starts `wrangler dev`. `ready` is the port on which it listens, as it says itself: any answer on that port could come
 * from another server. It stays pending when wrangler ends before.
 */
export function startWranglerDev(args: readonly string[]): { child: ChildProcess; ready: Promise<number> } {
	const child = spawn('wrangler', ['dev', ...args], {
		cwd: ROOT,
		env: { ...quiet(), CI: process.env.CI ?? '' },
		// Over the channel, wrangler reports what it otherwise only prints.
		stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
	});
	const ready = new Promise<number>((resolve) => {
		child.on('message', (message) => {
			const { event, port } = JSON.parse(String(message));
			if (event === 'DEV_SERVER_READY') resolve(port);
		});
	});
	return { child, ready };
}
