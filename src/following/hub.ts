import { DurableObject } from 'cloudflare:workers';
import { joinMessages } from './notices.ts';

/** The most characters of messages that wait to be sent together. */
const MAX_WAITING = 512 * 1024;
/** The messages to followers that a hub sends in a millisecond at most. */
const MESSAGES_A_MS = 10;
/** The longest that a message waits for others. */
const MAX_PAUSE_MS = 100;

/**
 * The hub of one session. It forwards the notices of writers to each follower's WebSocket. It stores nothing, has
 * no timer that lasts and hibernates between messages, so an idle hub costs no duration. D1 is the source of truth: followers read
 * there what a hub did not deliver.
 *
 * The messages to followers are most of the work of a hub, and of a follower. So the more followers there are, the longer a hub
 * waits between two messages, and sends together what arrives meanwhile: with 200 of them for 20 ms.
 */
export class Hub extends DurableObject {
	readonly #waiting: string[] = [];
	#size = 0;
	/** When the next message may be sent, in epoch milliseconds. */
	#opensAt = 0;

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

	/** Sends a message at once, or, soon after the last one, together with those that arrive meanwhile. */
	#broadcast(message: string): void {
		this.#waiting.push(message);
		this.#size += message.length;
		const pause = this.#opensAt - Date.now();
		if (pause <= 0 || this.#size > MAX_WAITING) this.#send();
		else if (this.#waiting.length === 1) setTimeout(() => this.#send(), pause);
	}

	#send(): void {
		if (this.#waiting.length === 0) return;
		const message = joinMessages(this.#waiting);
		const followers = this.ctx.getWebSockets();
		this.#opensAt = Date.now() + Math.min(followers.length / MESSAGES_A_MS, MAX_PAUSE_MS);
		this.#waiting.length = 0;
		this.#size = 0;
		for (const socket of followers) {
			try {
				socket.send(message);
			} catch {
				// The follower has disconnected or is disconnecting. A follower that is still connected reads D1.
			}
		}
	}
}
