import { spawnSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { expect } from 'vitest';
import { startReceiver } from '../support/http-receiver.ts';
import { npmRun, ROOT, withFolder } from '../support/server.ts';
import { freePort, startDev } from '../support/wrangler-dev.ts';

const SESSIONS = '/v1/products/generation/sessions';
const WRITERS = 4;
const EVENTS_OF_STEP = 10;
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

/**
 * Kills a server in the middle of writes and deliveries again and again, until so many messages are acknowledged. Then expects
 * that each has arrived.
 */
export const expectMessagesToSurviveKills = (kills: number, least: number): Promise<void> =>
	withFolder(async (folder) => {
		const { start, call } = await serve(folder);
		const receiver = await startReceiver();
		let server = await start();
		const { secret } = await call<{ secret: string }>(server.url, 'POST', '/v1/webhooks', {
			url: receiver.url,
			events: ['event:*'],
		});
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
		try {
			for (let kill = 1; kill <= kills; kill += 1) {
				const { url } = server;
				const enough = (least * kill) / kills;
				const writers = Array.from({ length: WRITERS }, () => write(url));
				while (acknowledged.size < enough) await setTimeout(5);
				await setTimeout(Math.random() * 300);
				await server.kill();
				await Promise.all(writers);
				server = await start();
			}
			const arrived = () =>
				new Set(
					receiver.arrived.map(
						({ text }) => (JSON.parse(text) as { data: { eventId: string } }).data.eventId,
					),
				);
			// What a killed server had taken is due again after two minutes.
			const later = () => Date.now() + 180_000;
			const lost = () => [...acknowledged].filter((event) => !arrived().has(event));
			for (let tries = 0; tries < 100 && lost().length > 0; tries += 1) {
				await runScheduled(server.url, later());
				await setTimeout(200);
			}
			expect(lost()).toEqual([]);
			const ids = new Map(
				receiver.arrived.map((message) => [JSON.parse(message.text).data.eventId, message.id]),
			);
			for (const message of receiver.arrived) {
				new Webhook(secret).verify(message.text, message.headers as Record<string, string>);
				expect(message.id).toBe(ids.get(JSON.parse(message.text).data.eventId));
			}
		} finally {
			await server.kill();
			await receiver.close();
		}
	});
