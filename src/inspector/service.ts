import { ApiError, type Client, createClient, type Fetch, type Session } from '../client/client.ts';
import { webhooksOf } from '../client/webhooks.ts';
import { CodeError } from './code.ts';
import type { Clock } from './model/clock.ts';

/** Makes a client with the key of this tab, and with another way to send its requests where one is given. */
export type Connect = (fetch?: Fetch) => Client;

/** How the page reaches the service: with its key, and by its time. */
export interface Connection {
	connect: Connect;
	clock: Clock;
}

/** Returns a Connect. `onRefused` is called whenever the service rejects the key. */
export function connectWith(key: string, clock: Clock, onRefused: () => void): Connect {
	return (send = (url, init) => fetch(url, init)) =>
		createClient({
			baseUrl: location.origin,
			token: key,
			async fetch(url, init) {
				const sentAt = Date.now();
				const response = await send(url, init);
				clock.hear(response.headers.get('Date'), sentAt, Date.now());
				if (response.status === 401) onRefused();
				return response;
			},
		});
}

/** What a key may do. */
export interface Access {
	/** List sessions, and make keys for one session. A key for one session may do neither. */
	list: boolean;
	/** Change sessions. */
	write: boolean;
	/** Append events: a key for one session may append some types of them. */
	append: boolean;
	delete: boolean;
	/** See the caller's webhooks, and send again what failed. */
	webhooks: boolean;
	/** Whose sessions the key lists: the user, and the organization if there is one. Unknown without a session. */
	owner: string | undefined;
}

/** Not the id of any session or webhook. The service checks the permission first, and then knows without its database. */
const NO_ID = 'none';

/**
 * Learns what a key may do. The service has no call for it, so this makes five calls that change nothing: one lists, the
 * others name a session or a webhook that cannot exist. Throws an ApiError when the service rejects the key or does not respond.
 */
export async function accessOf(client: Client): Promise<Access> {
	const once = { maxRetries: 0 };
	// The first one alone: a key that is not valid is refused once.
	const page = await client
		.list({ ...once, limit: 1, fields: ['userId', 'organizationId'] })
		.catch((error) => (isForbidden(error) ? undefined : Promise.reject(error)));
	const [write, append, remove, webhooks] = await Promise.all([
		isAllowed(client.update(NO_ID, {}, once)),
		isAllowed(client.append(NO_ID, { type: 'none' }, once)),
		isAllowed(client.delete(NO_ID, once)),
		isAllowed(webhooksOf(client).get(NO_ID, once)),
	]);
	const session = page?.data[0];
	return {
		list: page !== undefined,
		write,
		append,
		delete: remove,
		webhooks,
		owner: session && ownerOf(session),
	};
}

/** Whether a key may make a call that names what cannot exist. */
async function isAllowed(call: Promise<unknown>): Promise<boolean> {
	try {
		await call;
		return true;
	} catch (error) {
		if (error instanceof ApiError && error.status === 404) return true;
		if (isForbidden(error)) return false;
		throw error;
	}
}

const isForbidden = (error: unknown): boolean => error instanceof ApiError && error.status === 403;

/** The owner of a session, for people. */
export const ownerOf = ({ userId, organizationId }: Pick<Session, 'userId' | 'organizationId'>): string =>
	organizationId === null ? userId : `${userId} in ${organizationId}`;

/** What a failed call means, for people. Throws anything that is not the failure of a call: it is a bug. */
export function wordsFor(error: unknown): string {
	if (error instanceof CodeError) return error.message;
	if (!(error instanceof ApiError)) throw error;
	if (error.status === 401) return 'This key is not valid: it is unknown, revoked or expired.';
	if (error.status === 429) return 'Too many requests with this key. Wait a minute, then try again.';
	if (error.status === 0) return 'The service cannot be reached. Check the connection, then try again.';
	if (error.code === 'VALIDATION_ERROR') return problemsIn(error);
	if (error.code === 'SESSION_NOT_FOUND') {
		return 'This key has no such session. It was deleted, has expired, or belongs to somebody else.';
	}
	return error.message;
}

/** The same while the page itself tries again: without advice. */
export const wordsWhileRetrying = (error: unknown): string =>
	`${wordsFor(error).split(/\.(?: |$)/)[0]}. Retrying.`;

/** What a validation error says of each field: `Type: at most 255 characters.` */
function problemsIn({ message, details }: ApiError): string {
	if (details.length === 0) return message;
	return details
		.map(({ path, message: what }) => {
			const field = path === '' ? 'The body' : path.charAt(0).toUpperCase() + path.slice(1);
			return `${field}: ${what.replace(/^must have /, '').replace(/\.?$/, '.')}`;
		})
		.join(' ');
}
