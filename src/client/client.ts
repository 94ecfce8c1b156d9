/** The entry of the client package: `createClient`, and the types of its arguments, results and errors. */
import type { Client } from './api.ts';
import { editWhile } from './edit-while.ts';
import { ifMatchHeader, withEtag } from './etag.ts';
import { follow } from './follow.ts';
import { listEvents, listSessions } from './lists.ts';
import type { CallOptions, ClientOptions, ConditionalOptions, KeyedOptions } from './options.ts';
import { type Service, send } from './send.ts';
import { tokenSource } from './token.ts';
import type { Event, Session, SessionDetails, SessionKey, Step } from './types.ts';
import { queryOf, serviceUrl, urlBelow } from './url.ts';

export type * from './api.ts';
export { ApiError, type ClientErrorCode, type Problem, type ServiceErrorCode } from './error.ts';
export { etagOf } from './etag.ts';
export type { Followed, FollowOptions, SessionState } from './follow.ts';
export type {
	CallOptions,
	ClientOptions,
	ConditionalOptions,
	Fetch,
	KeyedOptions,
	Token,
} from './options.ts';
export type { Pages } from './pages.ts';
export type * from './types.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const MERGE_PATCH_TYPE = { 'Content-Type': 'application/merge-patch+json' };

/**
 * Makes a client of a service. It holds no connection, so there is nothing to close. Throws a TypeError when the baseUrl is
 * not a URL.
 *
 * @example
 * const client = createClient({ baseUrl: 'http://localhost:8787', token: 'rt_test_…' });
 * const session = await client.create({ prd: { title: 'Support assistant' } });
 */
export function createClient(options: ClientOptions): Client {
	const service: Service = {
		options,
		url: serviceUrl(options.baseUrl),
		// A browser throws when `fetch` is called as a method of another object.
		fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
		tokens: tokenSource(options.token),
	};

	/** A write with an Idempotency-Key, which the service carries out once. */
	const post = <T>(url: string, body: unknown, options: KeyedOptions & ConditionalOptions) => {
		const key = options.idempotencyKey ?? newIdempotencyKey();
		const headers = { ...JSON_TYPE, 'Idempotency-Key': key, ...ifMatchHeader(options.ifMatch) };
		const call = { method: 'POST', url, headers, body: JSON.stringify(body) } as const;
		return send<T>(service, { ...call, isRepeatable: true, options });
	};

	/** A write that is retried only with a condition. Without one, a retry could undo another writer's change. */
	const patch = async (id: string, body: unknown, type: typeof JSON_TYPE, options: ConditionalOptions) => {
		const isRepeatable = options.ifMatch !== undefined;
		const headers = { ...type, ...ifMatchHeader(options.ifMatch) };
		const call = {
			method: 'PATCH',
			url: urlBelow(service.url, id),
			headers,
			body: JSON.stringify(body),
		} as const;
		const answer = await send<Session>(service, { ...call, isRepeatable, options });
		return withEtag(answer.body, answer.etag);
	};

	const client: Client = {
		list: (options: Parameters<typeof listSessions>[1] = {}) => listSessions(service, options),

		async create(session = {}, options = {}) {
			const { body, etag } = await post<Session>(service.url, session, options);
			return withEtag(body, etag);
		},

		async get(
			id: string,
			{ fields, ...options }: CallOptions & { fields?: readonly string[] | undefined } = {},
		) {
			const url = urlBelow(service.url, id) + queryOf({ fields: fields?.join() });
			const call = { method: 'GET', url, headers: {}, isRepeatable: true } as const;
			const { body, etag } = await send<SessionDetails>(service, { ...call, options });
			return withEtag(body, etag);
		},

		update: async (id, changes, options = {}) => patch(id, changes, JSON_TYPE, options),

		merge: async (id, changes, options = {}) => patch(id, changes, MERGE_PATCH_TYPE, options),

		async step(id, step, options = {}) {
			const { body, etag } = await post<Step>(urlBelow(service.url, id, 'steps'), step, options);
			withEtag(body.session, etag);
			return body;
		},

		async append(id, event, options = {}) {
			return (await post<Event>(urlBelow(service.url, id, 'events'), event, options)).body;
		},

		events: (id, options = {}) => listEvents(service, id, options),

		async delete(id, options = {}) {
			const headers = ifMatchHeader(options.ifMatch);
			const isRepeatable = options.ifMatch !== undefined;
			const call = { method: 'DELETE', url: urlBelow(service.url, id), headers, isRepeatable } as const;
			await send(service, { ...call, options });
		},

		async createKey(id, { expiresInSeconds, ...options } = {}) {
			const call = { method: 'POST', url: urlBelow(service.url, id, 'keys'), headers: JSON_TYPE } as const;
			const body = JSON.stringify({ expiresInSeconds });
			return (await send<SessionKey>(service, { ...call, body, isRepeatable: false, options })).body;
		},

		// This is safe to retry without a condition, because the id of a key is never reused.
		async revokeKey(id, keyId, options = {}) {
			const url = urlBelow(service.url, id, 'keys', keyId);
			await send(service, { method: 'DELETE', url, headers: {}, isRepeatable: true, options });
		},

		follow: (id, options = {}) => follow(service, urlBelow(service.url, id, 'events'), options),

		editWhile: (id, decide, options = {}) => editWhile(client, id, decide, options),
	};
	return client;
}

/** 128 random bits. `crypto.randomUUID` does not exist in pages that are not served over HTTPS. */
const newIdempotencyKey = (): string =>
	Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
		'',
	);
