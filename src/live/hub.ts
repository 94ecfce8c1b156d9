import { DurableObject } from 'cloudflare:workers';

/**
 * The live hub of one session: it passes what writers hand it on to each follower's WebSocket. It stores nothing, sets no
 * timer and hibernates between messages, so that an idle hub costs no duration. D1 holds the truth: followers ask there
 * for whatever a hub did not bring.
 */
export class Hub extends DurableObject {
	override async fetch(request: Request): Promise<Response> {
		if (request.headers.get('Upgrade') === 'websocket') return this.#subscribe();
		this.#broadcast(await request.text());
		return new Response(null, { status: 204 });
	}

	/** A follower tells the others, and itself, what it saw in D1. Hearing its own words shows it that the hub is alive. */
	override webSocketMessage(_from: WebSocket, message: string | ArrayBuffer): void {
		this.#broadcast(message);
	}

	#subscribe(): Response {
		const { 0: follower, 1: own } = new WebSocketPair();
		this.ctx.acceptWebSocket(own);
		return new Response(null, { status: 101, webSocket: follower });
	}

	#broadcast(message: string | ArrayBuffer): void {
		for (const socket of this.ctx.getWebSockets()) {
			try {
				socket.send(message);
			} catch {
				// The follower is gone or going: one that lives asks D1.
			}
		}
	}
}
