import { errorFields, log } from '../core/log.ts';
import { within } from '../core/within.ts';
import { decodeNotices, encodeNotices, type Notice } from './notices.ts';

const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;
/** After this time a follower stops waiting for a hub, and continues with D1 alone. */
const CONNECT_MS = 3000;
/** After this time a writer stops waiting for a hub. Its caller has the response already. */
const PUBLISH_MS = 10_000;

/** The hub reads only the method and the headers. */
const ADDRESS = 'https://hub/';

const hubOf = (hubs: DurableObjectNamespace, sessionId: string): DurableObjectStub =>
	hubs.get(hubs.idFromName(sessionId));

/**
 * Sends notices to the hub of a session after a write, in one request. A failure is only logged: the write has succeeded, and
 * followers find it in D1 at their next look-up.
 */
export async function publish(
	hubs: DurableObjectNamespace,
	sessionId: string,
	notices: readonly Notice[],
): Promise<void> {
	try {
		const sending = hubOf(hubs, sessionId).fetch(ADDRESS, { method: 'POST', body: encodeNotices(notices) });
		const response = await within(PUBLISH_MS, sending, () => noResponse(PUBLISH_MS));
		if (!response.ok) throw new Error(`The hub responded with status ${response.status}.`);
	} catch (error) {
		log('warn', { message: 'publish to hub failed', ...errorFields(error) });
	}
}

const noResponse = (milliseconds: number): Error =>
	new Error(`The hub did not respond within ${milliseconds} ms.`);

/** Opens a WebSocket to a hub. Throws when the hub rejects it or takes too long. */
async function connect(hub: DurableObjectStub): Promise<WebSocket> {
	const arriving = hub.fetch(ADDRESS, { headers: { Upgrade: 'websocket' } });
	const response = await within(CONNECT_MS, arriving, () => {
		// The error tells of the failure. This only closes a WebSocket that still arrives.
		arriving.then(({ webSocket }) => webSocket && discard(webSocket)).catch(() => {});
		return noResponse(CONNECT_MS);
	});
	if (!response.webSocket) throw new Error(`The hub responded with status ${response.status}.`);
	return response.webSocket;
}

function discard(socket: WebSocket): void {
	socket.accept();
	socket.close(1000);
}

/** A follower's connection to the hub of its session. */
export interface Connection {
	/**
	 * Connects, unless it is connected or has failed a short time ago. Returns true when it has just connected: earlier
	 * notices did not arrive, and their events are only in D1.
	 */
	open(now: number): Promise<boolean>;
	/** The time of the next attempt to connect, in epoch milliseconds; undefined while connected. */
	opensAt(): number | undefined;
	/**
	 * Sends a notice to all followers of the session, including this one. Closes a connection that has brought nothing
	 * since the last notice.
	 */
	tell(notice: Notice): void;
	close(): void;
}

/** Prepares a connection. `onNotice` is called with each notice, `onLoss` when the connection breaks. */
export function connectionTo(
	hubs: DurableObjectNamespace,
	sessionId: string,
	{ onNotice, onLoss }: { onNotice: (notice: Notice) => void; onLoss: () => void },
): Connection {
	let socket: WebSocket | undefined;
	let opensAt = 0;
	let failures = 0;
	/** Whether anything has arrived since this follower last sent a notice. */
	let hasAnswered = true;
	let isClosed = false;

	/** Pauses grow and are random, because the followers of a lost hub must not all return at once. */
	function lose(): void {
		socket = undefined;
		const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures, MAX_PAUSE_MS);
		failures += 1;
		opensAt = Date.now() + pause * (0.1 + 0.9 * Math.random());
	}

	function listen(to: WebSocket): void {
		to.addEventListener('message', ({ data }) => {
			hasAnswered = true;
			failures = 0;
			for (const notice of decodeNotices(String(data))) onNotice(notice);
		});
		const onEnd = () => {
			if (socket !== to) return;
			lose();
			onLoss();
		};
		to.addEventListener('close', onEnd);
		to.addEventListener('error', onEnd);
	}

	function close(): void {
		const closing = socket;
		socket = undefined;
		try {
			closing?.close(1000);
		} catch {
			// It was closed already.
		}
	}

	return {
		async open(now) {
			if (socket || isClosed || now < opensAt) return false;
			try {
				const opened = await connect(hubOf(hubs, sessionId));
				if (isClosed) {
					// The stream ended while this connection was being opened.
					discard(opened);
					return false;
				}
				socket = opened;
				hasAnswered = true;
				listen(opened);
				opened.accept();
				return true;
			} catch (error) {
				lose();
				log('warn', { message: 'connection to hub failed', ...errorFields(error) });
				return false;
			}
		},
		opensAt: () => (socket ? undefined : opensAt),
		tell(notice) {
			if (!socket) return;
			if (!hasAnswered) {
				close();
				lose();
				return;
			}
			hasAnswered = false;
			try {
				socket.send(encodeNotices([notice]));
			} catch {
				close();
				lose();
			}
		},
		close() {
			isClosed = true;
			close();
		},
	};
}
