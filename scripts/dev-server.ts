import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { quiet, ROOT } from './wrangler.ts';

/**
 * Returns whether a program listens on a port of this machine. It checks both loopback addresses: clients try both for
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

/** What wrangler takes from the environment, unless it is set there. */
const DEFAULTS = {
	// At this level wrangler prints the log of the Worker, but no list of its bindings.
	WRANGLER_LOG: 'info',
	// Without this, wrangler serves an SQL console for the databases below /cdn-cgi/. It needs no key, and answers the pages of
	// every other server on this machine. No setting of wrangler.toml turns it off.
	X_LOCAL_EXPLORER: 'false',
	// Nor does wrangler store a trace of each request with its address, which only that console reads.
	X_LOCAL_OBSERVABILITY: 'false',
	// Without this, wrangler asks workers.cloudflare.com where this machine is, and prints a stack trace where it has no network.
	CLOUDFLARE_CF_FETCH_ENABLED: 'false',
};

/** Options without which wrangler prints what a newcomer does not need: its keys, and that no cron trigger runs here. */
const QUIET_OPTIONS = ['--show-interactive-dev-session=false', '--test-scheduled'];

/**
 * Starts `wrangler dev`, and passes on what it prints, except for lines that are hidden. `ready` resolves to the port that wrangler
 * reports. A response on that port would not be enough, because it could come from another server. `ready` stays pending if
 * wrangler exits first.
 */
export function startWranglerDev(
	args: readonly string[],
	isHidden: (line: string) => boolean = () => false,
): { child: ChildProcess; ready: Promise<number> } {
	const child = spawn('wrangler', ['dev', ...QUIET_OPTIONS, ...args], {
		cwd: ROOT,
		env: {
			...DEFAULTS,
			...quiet(),
			CI: process.env.CI ?? '',
			...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}),
		},
		// wrangler reports its port over the channel. Without one it only prints it.
		stdio: ['inherit', 'pipe', 'inherit', 'ipc'],
	});
	if (child.stdout) {
		createInterface({ input: child.stdout }).on('line', (line) => {
			if (!isHidden(line)) console.log(line);
		});
	}
	const ready = new Promise<number>((resolve) => {
		child.on('message', (message) => {
			const { event, port } = JSON.parse(String(message));
			if (event === 'DEV_SERVER_READY') resolve(port);
		});
	});
	return { child, ready };
}
