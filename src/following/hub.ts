import { DurableObject } from 'cloudflare:workers';

/**
 * The hub of one session. It forwards the notices of writers to each follower's WebSocket. It stores nothing, sets
 * no timer and hibernates between messages, so an idle hub costs no duration. D1 is the source of truth: followers read
 * there what a hub did not deliver.
 */
export class Hub extends DurableObject {
	override async fetch(request: Request): Promise<Response> {
		if (request.headers.get('Upgrade') === 'websocket') return this.#subscribe();
		this.#broadcast(await request.text());
		return new Response(null, { status: 204 });
	}

	/**
	 * A follower sends the result of its look-up to all followers, including itself. Its own notice shows it that the
	 * hub is alive.
	 */
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
				// The follower has disconnected or is disconnecting. A follower that is still connected reads D1.
			}
		}
	}
}
