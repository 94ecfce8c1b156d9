import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ANSWERS, generateWithApproval } from '../../examples/approval.ts';
import { mockModel } from '../../examples/mock-model.ts';
import { receiver } from '../../examples/webhook.ts';
import { createClient } from '../../src/client/client.ts';
import { ROOT, type Server, startServer } from '../support/server.ts';

let server: Server;
let key: string;
beforeAll(async () => {
	server = await startServer({ WEBHOOKS_ALLOW_LOOPBACK: 'true' });
	key = await server.newKey();
});
afterAll(() => server?.close());

const newClient = () => createClient({ baseUrl: server.url, token: key });

/** Starts an example. */
const start = (file: string, ...args: string[]) =>
	spawn(process.execPath, [join(ROOT, 'examples', file), ...args], {
		env: { ...process.env, SESSIONS_URL: server.url, SESSIONS_API_KEY: key },
		stdio: ['ignore', 'pipe', 'inherit'],
	});

/** Runs an example to its end, and returns what it prints. */
async function run(file: string, ...args: string[]): Promise<string> {
	const child = start(file, ...args);
	let printed = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		printed += text;
	});
	expect(await once(child, 'close')).toEqual([0, null]);
	return printed;
}

it('the generator continues where it was stopped, and builds each module once', async () => {
	const client = newClient();
	const first = start('generator.ts');
	const [id = ''] = (await once(createInterface({ input: first.stdout }), 'line')) as string[];
	for await (const item of client.follow(id)) {
		if (item.type === 'event' && item.event.type === 'module.built') break;
	}
	first.kill('SIGKILL');
	await once(first, 'close');

	// It may have got further before the signal reached it.
	expect(await run('generator.ts', id)).toBe(`${id}\ncomplete\n`);
	const { events, productObject, status } = await client.get(id);
	expect(status).toBe('complete');
	expect(Object.keys(productObject?.files as object).sort()).toEqual(['api.ts', 'billing.ts', 'ui.ts']);
	const of = (type: string) => events.filter((event) => event.type === type);
	expect(of('plan.ready')).toHaveLength(1);
	expect(of('product.ready')).toHaveLength(1);
	expect(
		of('module.built')
			.map(({ payload }) => payload.module)
			.sort(),
	).toEqual(['api', 'billing', 'ui']);
	expect(of('module.failed').map(({ payload, message }) => [payload.module, message])).toContainEqual([
		'ui',
		'The model is overloaded.',
	]);
	expect(of('tool.called').length).toBeGreaterThanOrEqual(3);
});

it('the backend waits for the product, and takes it', async () => {
	expect(JSON.parse(await run('backend.ts'))).toEqual({
		files: {
			'api.ts': 'export const api = {};',
			'billing.ts': expect.any(String),
			'ui.ts': expect.any(String),
		},
	});
});

it('the webhook is told that the product is complete, and takes it', async () => {
	const printed = await run('webhook.ts');
	// In no promised order.
	expect(printed).toContain('session.status_changed generating\n');
	expect(printed).toContain('session.status_changed complete\n');
	expect(printed).toContain('export const api = {};');
});

it('the receiver takes a message once, and refuses one that is not signed by its secret', async () => {
	const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
	const taken: unknown[] = [];
	const receiving = receiver(
		() => secret,
		(message) => taken.push(message),
	);
	await new Promise<void>((resolve) => receiving.listen(0, '127.0.0.1', resolve));
	const { port } = receiving.address() as AddressInfo;
	const send = async (by: string, body = '{"type":"a"}') => {
		const now = new Date();
		const headers = {
			'webhook-id': 'msg_1',
			'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
			'webhook-signature': new Webhook(by).sign('msg_1', now, body),
		};
		return (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body })).status;
	};
	expect(await send('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx')).toBe(401);
	expect([await send(secret), await send(secret)]).toEqual([204, 204]);
	expect(await send(secret, 'x'.repeat(30_000))).toBe(413);
	expect(taken).toEqual([{ type: 'a' }]);
	receiving.close();
	receiving.closeAllConnections();
});

/** A generator that asks, and a client with a key that can only answer, which has answered before it is asked. */
async function asked() {
	const client = newClient();
	const { id } = await client.create({ prd: { title: 'Support assistant' } });
	const { key: token } = await client.createKey(id, { append: ANSWERS });
	const guest = createClient({ baseUrl: server.url, token });
	await guest.append(id, { type: 'input.approved' });
	const generation = generateWithApproval({ client, model: mockModel(), id });
	for await (const item of guest.follow(id)) {
		if (item.type === 'event' && item.event.type === 'input.requested') break;
	}
	const { plan, status } = await client.get(id);
	expect(plan).toEqual({ modules: ['api', 'ui', 'billing'] });
	expect(status).toBe('generating');
	return { client, id, guest, generation };
}

it('the approval: the generator asks once, waits, and builds when the answer is yes', async () => {
	const { client, id, guest, generation } = await asked();
	const restarted = generateWithApproval({ client, model: mockModel(), id });
	expect((await client.get(id)).events.some(({ type }) => type === 'module.built')).toBe(false);
	await guest.append(id, { type: 'input.approved' });
	await Promise.all([generation, restarted]);
	const { events, status } = await client.get(id);
	expect(status).toBe('complete');
	expect(events.filter(({ type }) => type === 'input.requested')).toHaveLength(1);
});

it('the approval: the generator builds nothing when the answer is no, whatever follows', async () => {
	const { client, id, guest, generation } = await asked();
	await guest.append(id, { type: 'input.rejected' });
	await guest.append(id, { type: 'input.approved' });
	await generation;
	const { events, status } = await client.get(id);
	expect(status).toBe('failed');
	expect(events.map(({ type }) => type)).not.toContain('module.built');
});

it('the agent builds a product with the tools of the Model Context Protocol alone', async () => {
	const client = newClient();
	const printed = await run('agent.ts');
	const [id = ''] = /sess_\w+/.exec(printed) ?? [];
	expect(printed).toBe(`The product of ${id} is complete.\n`);
	const session = await client.get(id);
	expect(session).toMatchObject({
		status: 'complete',
		prd: { title: 'Support assistant' },
		assemblyState: { api: 'built', ui: 'built' },
		productObject: { files: { 'api.ts': '' } },
	});
	expect(session.events.map(({ type }) => type)).toEqual(['plan.ready', 'product.ready']);
});

it('the agent continues a product with the prompt of the server', async () => {
	const client = newClient();
	const { id } = await client.create({ prd: { title: 'Other' } });
	expect(await run('agent.ts', id)).toBe(`The product of ${id} is complete.\n`);
	expect(await client.get(id)).toMatchObject({ status: 'complete', prd: { title: 'Other' } });
});

it('are short enough to be read and copied', () => {
	const lengths = readdirSync(join(ROOT, 'examples')).map((name) => [
		name,
		readFileSync(join(ROOT, 'examples', name), 'utf8').split('\n').length,
	]);
	expect(lengths.length).toBeGreaterThan(5);
	expect(lengths.filter(([, lines]) => Number(lines) > 150)).toEqual([]);
});
