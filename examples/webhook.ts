/**
 * A program that holds no connection, and is told when a product is complete:
 *
 *   npm run example webhook.ts
 *
 * It verifies each message with the library of the Standard Webhooks specification. Those of other languages work the same way.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
// In your project: from 'product-generation-sessions-client'.
import { createClient } from '../src/client/client.ts';
import { generate } from './generator.ts';
import { local } from './local.ts';
import { mockModel } from './mock-model.ts';

/** The body of a message. It tells what has happened, and the receiver reads what it needs. */
export interface Message {
	type: string;
	timestamp: string;
	data: { sessionId: string; status: string; etag: string; eventId?: string; eventType?: string };
}

/** The most bytes that a receiver reads. Messages are much smaller. */
const MAX_BYTES = 20_000;

/**
 * Serves a receiver. `secret` gives the secret of the webhook, and `take` gets each message once: one that comes again has the
 * same id. In your project, keep the ids where `take` writes, and for as long as messages can come again: four days, and longer if you
 * send failed ones again.
 */
export function receiver(secret: () => string, take: (message: Message) => void): Server {
	const taken = new Set<string>();
	return createServer(async (request, response) => {
		const parts: Buffer[] = [];
		let bytes = 0;
		for await (const part of request) {
			bytes += part.length;
			if (bytes > MAX_BYTES) return response.writeHead(413).end();
			parts.push(part);
		}
		const headers = request.headers as Record<string, string>;
		try {
			// The signature is that of the exact text, so verify before you parse.
			const message = new Webhook(secret()).verify(Buffer.concat(parts).toString(), headers) as Message;
			const id = headers['webhook-id'] ?? '';
			if (!taken.has(id)) take(message);
			taken.add(id);
			// Answer soon, and work later: after 15 seconds without an answer the message comes again.
			return response.writeHead(204).end();
		} catch (error) {
			if (!(error instanceof WebhookVerificationError)) throw error;
			return response.writeHead(401).end();
		}
	});
}

if (import.meta.main) {
	const { baseUrl, token } = local();
	const call = (method: string, path: string, body?: unknown) =>
		fetch(baseUrl + path, {
			method,
			headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});

	const client = createClient({ baseUrl, token });
	let secret = '';
	const server = receiver(
		() => secret,
		async ({ type, data }) => {
			console.log(`${type} ${data.status}`);
			if (data.status !== 'complete') return;
			const { productObject } = await client.get(data.sessionId, { fields: ['productObject'] });
			console.log(JSON.stringify(productObject, null, 2));
			await call('DELETE', `/v1/webhooks/${webhook.id}`);
			server.close();
			server.closeIdleConnections();
		},
	);
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	const created = await call('POST', '/v1/webhooks', {
		url: `http://127.0.0.1:${port}/`,
		events: ['session.status_changed'],
	});
	if (!created.ok) throw new Error(`The webhook was not created: ${await created.text()}`);
	const webhook = (await created.json()) as { id: string; secret: string };
	secret = webhook.secret;

	const { id } = await client.create({ prd: { title: 'Support assistant' } });
	await generate({ client, model: mockModel(), id });
}
