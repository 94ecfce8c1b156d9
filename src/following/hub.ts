import { DurableObject } from 'cloudflare:workers';
import { joinMessages } from './notices.ts';

/** The most characters of messages that wait to be sent together. */
const MAX_WAITING = 512 * 1024;
/** How long messages wait for others while several arrive at a time. */
const BUSY_PAUSE_MS = 5;

/**
 * The hub of one session. It forwards the notices of writers to each follower's WebSocket. It stores nothing, has
 * no timer that lasts and hibernates between messages, so an idle hub costs no duration. D1 is the source of truth: followers read
 * there what a hub did not deliver.
 *
 * Notices that arrive at about the same time go to each follower in one message. The messages to followers are most of the
 * work of a hub, and of a follower.
 */
export class Hub extends DurableObject {
	readonly #waiting: string[] = [];
	#size = 0;
	/** Whether several messages were sent together last. */
	#isBusy = false;

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
		this.#broadcast(String(message));
	}

	#subscribe(): Response {
		const { 0: follower, 1: own } = new WebSocketPair();
		this.ctx.acceptWebSocket(own);
		return new Response(null, { status: 101, webSocket: follower });
	}

	/** Sends a message together with those that arrive in the same turn of the event loop, and while the hub is busy a little later. */
	#broadcast(message: string): void {
		this.#waiting.push(message);
		this.#size += message.length;
		if (this.#size > MAX_WAITING) this.#send();
		else if (this.#waiting.length === 1) setTimeout(() => this.#send(), this.#isBusy ? BUSY_PAUSE_MS : 0);
	}

	#send(): void {
		if (this.#waiting.length === 0) return;
		const message = joinMessages(this.#waiting);
		this.#isBusy = this.#waiting.length > 1;
		this.#waiting.length = 0;
		this.#size = 0;
		for (const socket of this.ctx.getWebSockets()) {
			try {
				socket.send(message);
			} catch {
				// The follower has disconnected or is disconnecting. A follower that is still connected reads D1.
			}
		}
	}
}
