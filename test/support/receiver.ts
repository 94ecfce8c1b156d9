import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { expect, vi } from 'vitest';

/** A message as a receiver gets it. */
export interface Received {
	url: string;
	id: string;
	headers: Record<string, string>;
	text: string;
	body: { type: string; timestamp: string; data: Record<string, unknown> };
}

/** Answers a message. */
export type Answering = (received: Received, signal: AbortSignal | null) => Response | Promise<Response>;

/** Takes the place of the network: everything that is sent goes to `answer`. Returns what was received, in order. */
export function receive(answer: Answering = () => new Response(null, { status: 204 })): Received[] {
	const received: Received[] = [];
	vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
		const request = new Request(input as string, init as RequestInit);
		const headers = Object.fromEntries(request.headers);
		expect([request.method, request.redirect]).toEqual(['POST', 'manual']);
		const text = await request.text();
		const message: Received = {
			url: request.url,
			id: headers['webhook-id'] ?? '',
			headers,
			text,
			body: JSON.parse(text),
		};
		received.push(message);
		return answer(message, init?.signal ?? null);
	});
	return received;
}

/** Whether two libraries of others accept a message with a secret. */
export function isSignedBy(secret: string, { text, headers }: Received): boolean {
	const verdicts = [new StandardWebhook(secret), new SvixWebhook(secret)].map((library) => {
		try {
			library.verify(text, headers);
			return true;
		} catch {
			return false;
		}
	});
	expect(new Set(verdicts).size).toBe(1);
	return verdicts[0] === true;
}
