/** The entry of the client package: `createClient` and `follow`, and the types of their arguments, results and errors. */
import { ask } from './answered.ts';
import type { Client } from './api.ts';
import { deletionOf, newKeyOf, patchOf, postOf, requestOf } from './calls.ts';
import { editWhile } from './edit-while.ts';
import { withEtag } from './etag.ts';
import { followOf, watchOf } from './following.ts';
import { listEvents, listSessions, listVersions, reading } from './lists.ts';
import type { CallOptions, ClientOptions, Method } from './options.ts';
import { restore } from './restore.ts';
import type { Answer } from './send.ts';
import { serviceOf } from './service.ts';
import { eventShape, sessionShape, sparseShape, stepShape } from './shapes.ts';
import type { Event, Types, Untyped } from './typed.ts';
import type { Session, SessionDetails, SessionKey, Step } from './types.ts';
import { pathOf, queryOf } from './url.ts';
import { type WaitOptions, type Wanted, waitFor } from './wait-for.ts';

export type { Answered, WithResponse } from './answered.ts';
export type * from './api.ts';
export { ApiError, type ClientErrorCode, type Problem, type ServiceErrorCode } from './error.ts';
export { etagOf } from './etag.ts';
export type { FollowOptions, FollowStatus } from './follow.ts';
export type { Followed, SessionState } from './followed.ts';
export { type Following, follow, watch } from './following.ts';
export { randomId as newIdempotencyKey } from './headers.ts';
export type {
	CallOptions,
	ClientOptions,
	ConditionalOptions,
	Fetch,
	FetchInit,
	FetchResponse,
	KeyedOptions,
	Method,
	RequestHeaders,
	RequestOptions,
	Token,
} from './options.ts';
export type { Pages } from './pages.ts';
export type * from './reads.ts';
export type { Attempt, Logger } from './report.ts';
export type * from './typed.ts';
export type * from './types.ts';
export { type Query, SESSIONS_PATH } from './url.ts';
export { errorStatuses, eventFields, sessionFields, sessionStatuses, version } from './values.ts';
export type { WaitOptions } from './wait-for.ts';
export type { Watched } from './watched.ts';
export type * from './writes.ts';

/** A session from a response, with its ETag. */
const withItsEtag = <T>({ body, response }: Answer): T => withEtag(body as T, response.headers.get('ETag'));

/**
 * Makes a client of a service. It holds no connection, so there is nothing to close. The type parameter names the types of
 * your own events and objects. Throws a TypeError for an option that cannot be used.
 *
 * @example
 * const client = createClient({ baseUrl: 'http://localhost:8787', token: 'rt_test_…' });
 * const session = await client.create({ prd: { title: 'Support assistant' } });
 *
 * @example
 * interface Plan { steps: string[] }
 * const client = createClient<{ plan: Plan; events: { 'plan.ready': { steps: number } } }>(options);
 */
export function createClient<T extends Types = Untyped>(options: ClientOptions): Client<T> {
	const service = serviceOf(options);

	const client: Client<T> = {
		list: ((options: Parameters<typeof listSessions>[1] = {}) =>
			listSessions(service, options)) as unknown as Client<T>['list'],

		create: (session = {}, options = {}) =>
			ask<Session<T>>(service, () => postOf(pathOf(), session, options, sessionShape()), withItsEtag),

		get: ((
			id: string,
			{
				fields,
				version,
				...options
			}: CallOptions & { fields?: readonly string[] | undefined; version?: number | undefined } = {},
		) =>
			ask(
				service,
				() => {
					const path = pathOf(id) + queryOf({ version, fields: fields?.join() });
					return { ...reading(path, fields ? sparseShape(fields) : sessionShape(id)), options };
				},
				withItsEtag<SessionDetails<T>>,
			)) as Client<T>['get'],

		versions: (id, options = {}) => listVersions(service, id, options),

		fork: (id, { version, ...session } = {}, options = {}) =>
			ask<Session<T>>(
				service,
				() => postOf(pathOf(), { from: { sessionId: id, version }, ...session }, options, sessionShape()),
				withItsEtag,
			),

		restore: (id, version, options = {}) => restore(client, id, version, options),

		update: (id, changes, options = {}) =>
			ask<Session<T>>(service, () => patchOf(id, changes, 'application/json', options), withItsEtag),

		merge: (id, patch, options = {}) =>
			ask<Session<T>>(
				service,
				() => patchOf(id, patch, 'application/merge-patch+json', options),
				withItsEtag,
			),

		step: (id, step, options = {}) =>
			ask(
				service,
				() => postOf(pathOf(id, 'steps'), step, options, stepShape(id, step.events.length)),
				({ body, response }) => {
					const made = body as Step<T>;
					withEtag(made.session, response.headers.get('ETag'));
					return made;
				},
			),

		append: (id, event, options = {}) =>
			ask(
				service,
				() => postOf(pathOf(id, 'events'), event, options, eventShape(id)),
				({ body }) => body as Event<T>,
			),

		events: (id, options = {}) =>
			listEvents(service, id, options) as unknown as ReturnType<Client<T>['events']>,

		delete: (id, options = {}) =>
			ask(
				service,
				() => deletionOf(pathOf(id), options),
				() => undefined,
			),

		createKey: (id, options = {}) =>
			ask(
				service,
				() => newKeyOf(id, options),
				({ body }) => body as SessionKey,
			),

		revokeKey: (id, keyId, options = {}) =>
			ask(
				service,
				() => deletionOf(pathOf(id, 'keys', keyId), options),
				() => undefined,
			),

		follow: (id, options = {}) => followOf<T>(service, id, options),

		watch: (id, options = {}) => watchOf<T>(service, id, options),

		waitFor: ((id: string, wanted: Wanted<T>, options: WaitOptions = {}) =>
			waitFor(client, id, wanted, options)) as Client<T>['waitFor'],

		editWhile: (id, decide, options = {}) => editWhile(client, id, decide, options),

		request: <Data>(method: Method, path: string, options = {}) =>
			ask(
				service,
				() => requestOf(service.base, method, path, options),
				({ body }) => body as Data,
			),
	};
	return client;
}
