import { spawnSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { expect } from 'vitest';
import type { WebhookMessage } from '../../src/client/webhooks.ts';
import { startReceiver } from '../support/http-receiver.ts';
import { npmRun, ROOT, withFolder } from '../support/server.ts';
import { freePort, startDev } from '../support/wrangler-dev.ts';

const SESSIONS = '/v1/products/generation/sessions';
const WRITERS = 4;
const EVENTS_OF_STEP = 10;
/** Longer than a delivery that was cut off has what it had taken. */
const TAKEN_AT_MOST_MS = 100_000;
const LOCAL = { WEBHOOKS_ALLOW_LOOPBACK: 'true' };

/** Prepares a folder with a database and a key, and starts a server on it. */
export async function serve(folder: string) {
	const migrate = ['d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', folder];
	expect(spawnSync('wrangler', migrate, { cwd: ROOT, env: { ...process.env, CI: 'true' } }).status).toBe(0);
	const { stdout } = npmRun(
		'keys',
		'create',
		'--user',
		'user_kill',
		'--permissions',
		'*',
		'--json',
		'--persist-to',
		folder,
	);
	const { key } = JSON.parse(stdout) as { key: string };
	const start = async () => startDev(folder, await freePort(), LOCAL);
	const call = async <T>(url: string, method: string, path: string, body?: unknown): Promise<T> => {
		const response = await fetch(url + path, {
			method,
			headers: { Authorization: key, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const text = await response.text();
		if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
		return JSON.parse(text) as T;
	};
	return { start, call };
}

/** Runs the cron trigger of a server now, which nothing else does on this machine, at a time. */
export async function runScheduled(url: string, time: number): Promise<void> {
	const response = await fetch(`${url}/cdn-cgi/handler/scheduled?time=${time}`);
	expect([response.status, await response.text()]).toEqual([200, expect.anything()]);
}

/** What became of the messages of acknowledged writes. */
export interface Outcome {
	owed: number;
	lost: number;
	/** All that arrived, and how many of them had arrived before, and had another id then. */
	arrived: number;
	twice: number;
	changedIds: number;
}

/**
 * Kills a server in the middle of writes and deliveries again and again, until so many messages are owed, and then waits for
 * those that have not arrived. Each of them is verified.
 */
export const deliverThroughKills = (kills: number, least: number): Promise<Outcome> =>
	withFolder(async (folder) => {
		const { start, call } = await serve(folder);
		/** The ids of the messages that arrived about an event. */
		const arrived = new Map<string, string[]>();
		let secret = '';
		const receiver = await startReceiver(({ id, text, headers }, response) => {
			const { data } = new Webhook(secret).verify(text, headers as Record<string, string>) as WebhookMessage;
			const event = data.eventId ?? '';
			arrived.set(event, [...(arrived.get(event) ?? []), id]);
			response.writeHead(204).end();
		});
		let server = await start();
		({ secret } = await call<{ secret: string }>(server.url, 'POST', '/v1/webhooks', {
			url: receiver.url,
			events: ['event:*'],
		}));
		const { id } = await call<{ id: string }>(server.url, 'POST', SESSIONS, {});
		const acknowledged = new Set<string>();
		async function write(url: string): Promise<void> {
			const events = Array.from({ length: EVENTS_OF_STEP }, () => ({ type: 'note' }));
			for (;;) {
				try {
					const made = await call<{ events: { id: string }[] }>(url, 'POST', `${SESSIONS}/${id}/steps`, {
						events,
					});
					for (const event of made.events) acknowledged.add(event.id);
				} catch {
					return; // The server was killed. It did not acknowledge the pending request.
				}
			}
		}
		// What a killed server had taken is due again later. Instead of waiting, each scheduled run is as much later.
		let time = Date.now();
		const runLater = () => {
			time += TAKEN_AT_MOST_MS;
			return runScheduled(server.url, time);
		};
		try {
			for (let kill = 1; kill <= kills; kill += 1) {
				const { url } = server;
				const enough = (least * kill) / kills;
				const seen = arrived.size;
				const writers = Array.from({ length: WRITERS }, () => write(url));
				while (acknowledged.size < enough || arrived.size === seen) await setTimeout(5);
				await setTimeout(Math.random() * 300);
				await server.kill();
				await Promise.all(writers);
				server = await start();
				await runLater();
			}
			const lost = () => [...acknowledged].filter((event) => !arrived.has(event)).length;
			for (let tries = 0; tries < 100 && lost() > 0; tries += 1) {
				await runLater();
				// It goes on by itself as long as messages arrive.
				for (let before = -1; before < arrived.size && lost() > 0; ) {
					before = arrived.size;
					await setTimeout(2000);
				}
			}
			const ids = [...arrived.values()];
			return {
				owed: acknowledged.size,
				lost: lost(),
				arrived: ids.flat().length,
				twice: ids.flat().length - ids.length,
				changedIds: ids.filter((each) => new Set(each).size > 1).length,
			};
		} finally {
			await server.kill();
			await receiver.close();
		}
	});
