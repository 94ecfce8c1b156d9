import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { verifyWebhook, webhooksOf } from '../../src/client/webhooks.ts';
import { type Arrived, type HttpReceiver, startReceiver } from '../support/http-receiver.ts';
import { type Server, startServer } from '../support/server.ts';
import { verifyWithAll, webhookLibraries } from '../support/webhook-libraries.ts';

const SESSIONS = '/v1/products/generation/sessions';

let server: Server;
const receivers: HttpReceiver[] = [];

beforeAll(async () => {
	server = await startServer({ WEBHOOKS_ALLOW_LOOPBACK: 'true' });
});
afterAll(async () => {
	for (const receiver of receivers) await receiver.close();
	await server.close();
});

const receiverWith = async (...answer: Parameters<typeof startReceiver>): Promise<HttpReceiver> => {
	const receiver = await startReceiver(...answer);
	receivers.push(receiver);
	return receiver;
};

async function newCaller() {
	const key = await server.newKey();
	return async <T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> => {
		const response = await fetch(server.url + path, {
			method,
			headers: {
				Authorization: `Bearer ${key}`,
				...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const text = await response.text();
		if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
		return JSON.parse(text) as T;
	};
}

type Call = Awaited<ReturnType<typeof newCaller>>;
const webhook = (call: Call, url: string, events = ['event:*']) =>
	call<{ id: string; secret: string }>('POST', '/v1/webhooks', { url, events });

/** Appends events in steps of 100. */
async function appendMany(call: Call, count: number): Promise<void> {
	const { id } = await call<{ id: string }>('POST', SESSIONS, {});
	for (let left = count; left > 0; left -= 100) {
		const events = Array.from({ length: Math.min(100, left) }, () => ({ type: 'note' }));
		await call('POST', `${SESSIONS}/${id}/steps`, { events });
	}
}

const distinct = (arrived: readonly Arrived[]) => new Set(arrived.map(({ id }) => id)).size;

describe('the queue', () => {
	it('wakes the delivery after each kind of write', async () => {
		const receiver = await receiverWith();
		const call = await newCaller();
		const events = ['session.created', 'session.status_changed', 'session.deleted', 'event:input.*'];
		const { secret } = await webhook(call, receiver.url, events);
		const { id } = await call<{ id: string }>('POST', SESSIONS, {});
		await call('PATCH', `${SESSIONS}/${id}`, { status: 'complete' });
		await call('POST', `${SESSIONS}/${id}/events`, { type: 'input.approved' });
		await call('POST', `${SESSIONS}/${id}/events`, { type: 'other' });
		await call('DELETE', `${SESSIONS}/${id}`);
		await expect.poll(() => receiver.arrived.length).toBe(4);
		for (const message of receiver.arrived) await verifyWithAll(secret, message);
		const types = receiver.arrived.map(({ text }) => JSON.parse(text).type).sort();
		expect(types).toEqual([
			'event:input.approved',
			'session.created',
			'session.deleted',
			'session.status_changed',
		]);
	});

	it('delivers 200 messages once each to an endpoint, and as many to one that fails now and then', async () => {
		const steady = await receiverWith();
		const tried = new Set<string>();
		const accepted = new Set<string>();
		const flaky = await receiverWith(({ id }, response) => {
			// A second try succeeds: the third one would come after minutes.
			const isDown = !tried.has(id) && tried.size % 20 === 19;
			tried.add(id);
			if (!isDown) accepted.add(id);
			response.writeHead(isDown ? 500 : 200).end();
		});
		const call = await newCaller();
		await webhook(call, steady.url);
		await webhook(call, flaky.url);
		await appendMany(call, 200);
		await expect.poll(() => steady.arrived.length).toBe(200);
		expect(distinct(steady.arrived)).toBe(200);
		// The second try comes after five seconds.
		await expect.poll(() => accepted.size).toBe(200);
		expect(flaky.arrived.length).toBe(210);
	});

	it('delivers to others while some endpoints hang', async () => {
		let givenUp = 0;
		let givenUpAtFirst: number | undefined;
		const hanging = await receiverWith((_, response) => {
			response.on('close', () => {
				givenUp += 1;
			});
		});
		const steady = await receiverWith((_, response) => {
			givenUpAtFirst ??= givenUp;
			response.writeHead(204).end();
		});
		const call = await newCaller();
		for (let n = 0; n < 5; n += 1) await webhook(call, `${hanging.url}/${n}`);
		await webhook(call, steady.url);
		await appendMany(call, 100);
		await expect.poll(() => steady.arrived.length).toBe(100);
		// The first one arrives before any hanging one has had its time, and the last before any is tried again.
		expect(givenUpAtFirst).toBe(0);
		expect(hanging.arrived.length).toBeLessThanOrEqual(5);
	});

	it('tries again after five seconds, with the same id', async () => {
		const receiver = await receiverWith((_, response) => {
			response.writeHead(receiver.arrived.length === 1 ? 500 : 200).end();
		});
		const call = await newCaller();
		const { secret } = await webhook(call, receiver.url);
		await appendMany(call, 1);
		await expect.poll(() => receiver.arrived.length).toBe(2);
		expect(distinct(receiver.arrived)).toBe(1);
		for (const message of receiver.arrived) await verifyWithAll(secret, message);
	});
});

describe.each(Object.entries(webhookLibraries))('a receiver built on %s', (_, verify) => {
	/** Receives a message before a change of the secret, and one after it. */
	async function receiveBoth() {
		const receiver = await receiverWith();
		const call = await newCaller();
		const { id, secret } = await webhook(call, receiver.url);
		const receiveOne = async (): Promise<Arrived> => {
			const before = receiver.arrived.length;
			await appendMany(call, 1);
			await expect.poll(() => receiver.arrived.length).toBe(before + 1);
			return receiver.arrived[before] as Arrived;
		};
		const before = await receiveOne();
		const { secret: second } = await call<{ secret: string }>('POST', `/v1/webhooks/${id}/secret`);
		return { secret, second, before, after: await receiveOne() };
	}
	const accepts = async (secret: string, text: string, headers: Arrived['headers']): Promise<boolean> => {
		try {
			await verify(secret, text, headers as Record<string, string>);
			return true;
		} catch {
			return false;
		}
	};

	it('accepts what arrives, after a change of the secret with either one, and nothing that was changed', async () => {
		const { secret, second, before, after } = await receiveBoth();
		expect(await accepts(secret, before.text, before.headers)).toBe(true);
		expect(await accepts(second, before.text, before.headers)).toBe(false);
		for (const either of [secret, second])
			expect(await accepts(either, after.text, after.headers)).toBe(true);
		const third = `whsec_${btoa('another secret of 32 bytes......')}`;
		expect(await accepts(third, after.text, after.headers)).toBe(false);
		expect(await accepts(second, `${after.text} `, after.headers)).toBe(false);
		const earlier = { 'webhook-timestamp': String(Number(after.headers['webhook-timestamp']) - 1) };
		for (const change of [earlier, { 'webhook-id': before.id }, { 'webhook-signature': 'v1,AAAA' }])
			expect(await accepts(second, after.text, { ...after.headers, ...change })).toBe(false);
	});
});

describe('a change of the secret in the middle of deliveries', () => {
	/** A receiver that rejects what is not signed with its secret. It takes ten messages, and further ones from the change on. */
	async function strictReceiver(change: Promise<void>) {
		const state = { secret: '', taken: 0, accepted: new Set<string>(), rejected: 0 };
		const receiver = await receiverWith(async (message, response) => {
			state.taken += 1;
			if (state.taken > 10) await change;
			const isGenuine = await verifyWithAll(state.secret, message).then(
				() => true,
				() => false,
			);
			if (isGenuine) state.accepted.add(message.id);
			else state.rejected += 1;
			response.writeHead(isGenuine ? 204 : 401).end();
		});
		return { state, url: receiver.url };
	}

	it('is not noticed by a receiver with the old one, and loses nothing for one that changes at once', async () => {
		const call = await newCaller();
		let goOn = () => {};
		const change = new Promise<void>((resolve) => {
			goOn = resolve;
		});
		const [keeping, changing] = [await strictReceiver(change), await strictReceiver(change)];
		const ids: string[] = [];
		for (const { state, url } of [keeping, changing]) {
			const { id, secret } = await webhook(call, url);
			state.secret = secret;
			ids.push(id);
		}
		await appendMany(call, 200);
		for (const { state } of [keeping, changing]) await expect.poll(() => state.taken).toBeGreaterThan(10);
		for (const id of ids) {
			const { secret } = await call<{ secret: string }>('POST', `/v1/webhooks/${id}/secret`);
			if (id === ids[1]) changing.state.secret = secret;
		}
		goOn();
		await appendMany(call, 100);
		for (const { state } of [keeping, changing]) await expect.poll(() => state.accepted.size).toBe(300);
		expect(keeping.state.rejected).toBe(0);
	});
});

describe('the client', () => {
	it('makes each call on webhooks, and verifies what arrives', async () => {
		let isUp = false;
		const receiver = await receiverWith((_, response) => {
			response.writeHead(isUp ? 200 : 500).end();
		});
		const client = createClient({ baseUrl: server.url, token: await server.newKey() });
		const webhooks = webhooksOf(client);
		const { id, secret } = await webhooks.create({ url: receiver.url, events: ['event:*'] });
		expect((await webhooks.list()).data).toMatchObject([{ id }]);
		expect(await webhooks.update(id, { events: ['event:input.*'] })).toEqual(await webhooks.get(id));
		expect(await webhooks.test(id)).toMatchObject({ delivered: false, status: 500 });
		const session = await client.create();
		const event = await client.append(session.id, { type: 'input.given' });
		const failed = async () => (await webhooks.deliveries(id, { limit: 5 })).data;
		await expect.poll(failed).toHaveLength(1);
		const [delivery] = await failed();
		isUp = true;
		expect(await webhooks.retry(id, delivery?.id ?? '')).toMatchObject({ eventId: event.id });
		await expect.poll(failed).toEqual([]);
		expect(await webhooks.replay(id, session.createdAt)).toEqual({ count: 0, goesOnFrom: null });
		const [, { text, headers } = { text: '', headers: {} }] = receiver.arrived;
		for (const given of [headers, new Headers(headers as Record<string, string>)]) {
			const { type, data } = verifyWebhook(secret, text, given);
			expect([type, data.sessionId, data.eventId]).toEqual(['event:input.given', session.id, event.id]);
		}
		expect(() => verifyWebhook(secret, `${text} `, headers)).toThrow('No matching signature');
		const { secret: second } = await webhooks.rotateSecret(id);
		expect(() => verifyWebhook(second, text, headers)).toThrow('No matching signature');
		await webhooks.test(id);
		const last = receiver.arrived.at(-1);
		for (const each of [secret, second]) verifyWebhook(each, last?.text ?? '', last?.headers ?? {});
		await webhooks.delete(id);
		await expect(webhooks.get(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
	});
});

describe('the scheduled run', () => {
	it('delivers what the queue has lost, and tells of sessions that have expired', async () => {
		const receiver = await receiverWith();
		const call = await newCaller();
		await webhook(call, receiver.url, ['session.expired']);
		const { id } = await call<{ id: string }>('POST', SESSIONS, {});
		await server.env.DB.prepare('UPDATE sessions SET expires_at = ? WHERE id = ?')
			.bind('2026-01-01T00:00:00.000Z', id)
			.run();
		await server.runScheduled();
		await expect.poll(() => receiver.arrived.length).toBe(1);
		expect(JSON.parse(receiver.arrived[0]?.text ?? '')).toMatchObject({
			type: 'session.expired',
			data: { sessionId: id },
		});
	});
});

describe('without WEBHOOKS_ALLOW_LOOPBACK', () => {
	it('nothing is sent to this machine, neither by a new webhook nor by one from before', async () => {
		const strict = await startServer();
		try {
			const key = await strict.newKey();
			const receiver = await receiverWith();
			const response = await fetch(`${strict.url}/v1/webhooks`, {
				method: 'POST',
				headers: { Authorization: key, 'Content-Type': 'application/json' },
				body: JSON.stringify({ url: receiver.url, events: ['event:*'] }),
			});
			expect([response.status, await response.text()]).toEqual([
				400,
				expect.stringContaining('REFUSED_ADDRESS'),
			]);
			expect(receiver.arrived).toEqual([]);
		} finally {
			await strict.close();
		}
	});
});
