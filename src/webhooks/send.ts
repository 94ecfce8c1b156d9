import { Webhook } from 'standardwebhooks';
import { refusalOf } from './address.ts';
import type { Target } from './message-store.ts';
import type { Answer } from './schedule.ts';
import type { Failure } from './schema.ts';

/** How long an endpoint may take for its answer. */
const PATIENCE_MS = 15_000;
const USER_AGENT = 'product-generation-sessions';

/** What goes to an endpoint, apart from its signature. */
export interface Outgoing {
	/** The `webhook-id`. */
	id: string;
	body: string;
}

/** How a try went. */
export interface Sent extends Answer {
	/** Undefined: the endpoint answered with a 2xx. */
	error: Failure | undefined;
	durationMs: number;
}

/** An endpoint, as far as a try needs it. */
export type Receiver = Pick<Target, 'url' | 'secret' | 'previous_secret' | 'previous_secret_until'>;

/**
 * Sends one message once, signed by the Standard Webhooks specification. It follows no redirect, because that could lead to an
 * address that is refused, and reads nothing of the answer but its status and Retry-After. The address is checked each time,
 * because what is allowed can have changed. Never throws.
 */
export async function send(
	{ id, body }: Outgoing,
	receiver: Receiver,
	{ allowLoopback }: { allowLoopback: boolean },
): Promise<Sent> {
	const started = Date.now();
	const failed = (error: Failure): Sent => ({
		error,
		status: null,
		timedOut: error === 'TIMEOUT',
		retryAfter: null,
		durationMs: Date.now() - started,
	});
	if (refusalOf(receiver.url, allowLoopback)) return failed('REFUSED_ADDRESS');
	try {
		const response = await fetch(receiver.url, {
			method: 'POST',
			redirect: 'manual',
			signal: AbortSignal.timeout(PATIENCE_MS),
			headers: {
				'Content-Type': 'application/json',
				'User-Agent': USER_AGENT,
				...signedHeaders(id, body, receiver, new Date(started)),
			},
			body,
		});
		await response.body?.cancel();
		const { status, ok } = response;
		const error = status >= 300 && status < 400 ? 'REDIRECT' : 'STATUS';
		return {
			error: ok ? undefined : error,
			status,
			timedOut: false,
			retryAfter: response.headers.get('Retry-After'),
			durationMs: Date.now() - started,
		};
	} catch (error) {
		// The message of the error names the address, so it is kept nowhere.
		return failed(error instanceof Error && error.name === 'TimeoutError' ? 'TIMEOUT' : 'CONNECTION');
	}
}

/** The headers of the specification. After a rotation there is a signature by each of both secrets. */
function signedHeaders(id: string, body: string, receiver: Receiver, at: Date): Record<string, string> {
	const { secret, previous_secret: previous, previous_secret_until: until } = receiver;
	const secrets =
		previous !== null && until !== null && Date.parse(until) > at.getTime() ? [secret, previous] : [secret];
	return {
		'webhook-id': id,
		'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
		'webhook-signature': secrets.map((each) => new Webhook(each).sign(id, at, body)).join(' '),
	};
}
