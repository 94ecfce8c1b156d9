import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** A message of a webhook as it arrived. */
export interface Message {
	headers: Record<string, string>;
	text: string;
}

/** A program on this machine that receives messages. */
export interface Receiver {
	url: string;
	/** All messages that arrived, in order. */
	messages: Message[];
	/** Waits until so many have arrived, or for some milliseconds. */
	until(count: number, milliseconds: number): Promise<void>;
	close(): void;
}

/** Starts a receiver. It answers each message with the status at the end of the path. */
export async function startReceiver(): Promise<Receiver> {
	const messages: Message[] = [];
	const listener = createServer(async (incoming, outgoing) => {
		const parts: Buffer[] = [];
		for await (const part of incoming) parts.push(part as Buffer);
		const { headers, url = '' } = incoming;
		messages.push({ headers: headers as Record<string, string>, text: Buffer.concat(parts).toString() });
		outgoing.writeHead(Number(url.slice(1)), { Location: url.replace(/\d+$/, '200') }).end();
	}).listen(0, '127.0.0.1');
	await once(listener, 'listening');
	return {
		url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
		messages,
		async until(count, milliseconds) {
			const end = Date.now() + milliseconds;
			while (messages.length < count && Date.now() < end) await setTimeout(20);
		},
		close() {
			listener.closeAllConnections();
			listener.close();
		},
	};
}
