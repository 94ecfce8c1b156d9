/**
 * The minimum cost of following: a Durable Object that broadcasts, and a Worker that turns its WebSocket into
 * Server-Sent Events. It has no database, authentication, order, cursor or heartbeat. Like the service, it responds to
 * a writer at once and forwards the event with waitUntil.
 */
import { DurableObject } from 'cloudflare:workers';

interface Env {
	HUB: DurableObjectNamespace;
}

export class Hub extends DurableObject {
	override async fetch(request: Request): Promise<Response> {
		if (request.headers.get('Upgrade') === 'websocket') {
			const { 0: client, 1: server } = new WebSocketPair();
			this.ctx.acceptWebSocket(server);
			return new Response(null, { status: 101, webSocket: client });
		}
		const text = await request.text();
		for (const socket of this.ctx.getWebSockets()) socket.send(text);
		return new Response();
	}
}

let id = 0;

export default {
	async fetch(request, env, context) {
		const hub = env.HUB.get(env.HUB.idFromName(new URL(request.url).pathname));
		if (request.method === 'POST') {
			id += 1;
			const frame = `id: ${id}\nevent: event\ndata: ${await request.text()}\n\n`;
			context.waitUntil(hub.fetch('https://hub/', { method: 'POST', body: frame }));
			return Response.json({ id: String(id) }, { status: 201 });
		}
		const { webSocket } = await hub.fetch('https://hub/', { headers: { Upgrade: 'websocket' } });
		if (!webSocket) return new Response(null, { status: 500 });
		const encoder = new TextEncoder();
		const stream = new ReadableStream<Uint8Array>({
			start(controller) {
				webSocket.addEventListener('message', ({ data }) => controller.enqueue(encoder.encode(String(data))));
				webSocket.accept();
				controller.enqueue(encoder.encode(':\n\n'));
			},
			cancel: () => webSocket.close(),
		});
		return new Response(stream, { headers: { 'Content-Type': 'text/event-stream' } });
	},
} satisfies ExportedHandler<Env>;
