import type { Answered } from './answered.ts';
import type { FollowOptions } from './follow.ts';
import type { Following } from './following.ts';
import type { CallOptions, ConditionalOptions, KeyedOptions, Method, RequestOptions } from './options.ts';
import type { Pages } from './pages.ts';
import type {
	EventsOptions,
	GetOptions,
	ListOptions,
	SessionPage,
	Sparse,
	VersionsOptions,
} from './reads.ts';
import type { AppendEvent, Event, Types, Untyped } from './typed.ts';
import type {
	AppendStep,
	CreateSession,
	EventPage,
	MergeSession,
	Session,
	SessionDetails,
	SessionKey,
	SessionStatus,
	Step,
	UpdateSession,
	Version,
	VersionPage,
} from './types.ts';
import type { WaitOptions } from './wait-for.ts';
import type { Watched } from './watched.ts';
import type { Edit, EditOptions, Fork, KeyOptions, RestoreOptions } from './writes.ts';

/**
 * The calls on sessions. Each returns the data of its response. It throws an `ApiError` when it fails, the reason of its
 * `signal` when that aborts, and a TypeError, before anything is sent, for an argument that cannot be used.
 */
export interface Client<T extends Types = Untyped> {
	/**
	 * Lists the caller's sessions, newest first. `await` it for one page. Iterate with `for await` for the sessions of
	 * this page and of all later pages.
	 *
	 * @example
	 * const { data, pagination } = await client.list({ limit: 50 });
	 * for await (const session of client.list({ fields: ['id', 'status'] })) console.log(session.id);
	 */
	list<Field extends keyof Session>(
		options: Omit<ListOptions, 'fields'> & Sparse<Field>,
	): Pages<SessionPage<Pick<Session<T>, Field>>, Pick<Session<T>, Field>>;
	list(options?: ListOptions): Pages<SessionPage<Session<T>>, Session<T>>;

	/**
	 * Creates a session in the status `intake`. Retries never create a second session.
	 *
	 * @example
	 * const session = await client.create({ prd: { title: 'Support assistant' } });
	 */
	create(session?: CreateSession<T>, options?: KeyedOptions): Answered<Session<T>>;

	/**
	 * Reads a session with its latest 1,000 events, oldest first.
	 *
	 * @example
	 * const session = await client.get(id);
	 * const { status } = await client.get(id, { fields: ['status'] });
	 */
	get<Field extends keyof SessionDetails>(
		id: string,
		options: Omit<GetOptions, 'fields'> & Sparse<Field>,
	): Answered<Pick<SessionDetails<T>, Field>>;
	get(id: string, options?: GetOptions): Answered<SessionDetails<T>>;

	/**
	 * Lists the kept versions of a session, newest first, with the current one. `await` it for one page. Iterate with `for await`
	 * for the versions of this page and of all later pages.
	 *
	 * @example
	 * for await (const { version, changed } of client.versions(session.id)) console.log(version, changed);
	 * const past = await client.get(session.id, { version: 7 });
	 */
	versions(id: string, options?: VersionsOptions): Pages<VersionPage, Version>;

	/**
	 * Creates a session that begins as another one is, or was at a version. Retries never create a second session.
	 *
	 * @example
	 * const again = await client.fork(session.id, { version: 7, prd: { title: 'Another attempt' } });
	 */
	fork(id: string, fork?: Fork<T>, options?: KeyedOptions): Answered<Session<T>>;

	/**
	 * Writes the status and the objects of an earlier version as a new version, if nobody changes the session meanwhile: otherwise
	 * it throws PRECONDITION_FAILED. With an event, or where an object is to be cleared, it merges the difference, so members keep
	 * their present order. It then throws a TypeError where an object of the version has a member that is null, because a merge cannot
	 * write that.
	 *
	 * @example
	 * await client.restore(session.id, 7, { event: { type: 'plan.restored' } });
	 */
	restore(id: string, version: number, options?: RestoreOptions<T>): Promise<Session<T>>;

	/**
	 * Replaces each given field as a whole, and leaves the other fields unchanged.
	 *
	 * @example
	 * await client.update(session.id, { status: 'generating' }, { ifMatch: session });
	 */
	update(id: string, changes: UpdateSession<T>, options?: ConditionalOptions): Answered<Session<T>>;

	/**
	 * Merges a patch by RFC 7396: objects merge, and null removes a member or clears a field.
	 *
	 * @example
	 * await client.merge(session.id, { plan: { owner: 'worker-7', draft: null } });
	 */
	merge(id: string, patch: MergeSession<T>, options?: ConditionalOptions): Answered<Session<T>>;

	/**
	 * Appends events and merges a patch in one transaction. Retries never repeat it.
	 *
	 * @example
	 * await client.step(session.id, { events: [{ type: 'plan.ready' }], patch: { status: 'generating' } });
	 */
	step(id: string, step: AppendStep<T>, options?: KeyedOptions & ConditionalOptions): Answered<Step<T>>;

	/**
	 * Appends an event. Retries never append a second one.
	 *
	 * @example
	 * await client.append(session.id, { type: 'plan.ready', payload: { steps: 3 } });
	 */
	append(id: string, event: AppendEvent<T>, options?: KeyedOptions): Answered<Event<T>>;

	/**
	 * Reads the events of a session, oldest first. `await` it for one page. Iterate with `for await` for the events of
	 * this page and of all later pages.
	 *
	 * @example
	 * for await (const event of client.events(session.id)) console.log(event.type, event.payload);
	 */
	events(id: string, options?: EventsOptions): Pages<EventPage<T>, Event<T>>;

	/**
	 * Deletes a session and its events. Retries are safe without a condition, because an id is never used again.
	 *
	 * @example
	 * await client.delete(session.id);
	 */
	delete(id: string, options?: ConditionalOptions): Answered<void>;

	/**
	 * Makes a key that can only read this session, its events and its stream, and append events of the types in `append`.
	 * Give such a key to a browser.
	 *
	 * @example
	 * const { key } = await client.createKey(session.id, { append: ['input.*'], expiresInSeconds: 600 });
	 */
	createKey(id: string, options?: KeyOptions): Answered<SessionKey>;

	/**
	 * Revokes a key of a session.
	 *
	 * @example
	 * await client.revokeKey(session.id, keyId);
	 */
	revokeKey(id: string, keyId: string, options?: CallOptions): Answered<void>;

	/**
	 * Follows a session live: first the stored events, then each new event, each once and in order, with the changes of
	 * the session's state between them. It resumes by itself when the connection breaks, and ends when the session is
	 * deleted or expires. Leaving the loop closes the connection. Throws SESSION_NOT_FOUND when the session does not
	 * exist, and UNAUTHORIZED when a renewed token is rejected as well.
	 *
	 * @example
	 * for await (const item of client.follow(session.id)) {
	 * 	if (item.type === 'event') console.log(item.event.type);
	 * }
	 */
	follow(id: string, options?: FollowOptions): Following<T>;

	/**
	 * Watches a session live. Each item has the whole session as it is now, the fields that have changed since the last
	 * item, and the events since then. The service sends only what is new in a change. It resumes, ends and throws as
	 * `follow` does.
	 *
	 * @example
	 * for await (const { session, changed, events } of client.watch(session.id)) {
	 * 	if (changed.includes('plan')) console.log(session.plan);
	 * 	for (const event of events) console.log(event.type);
	 * }
	 */
	watch(id: string, options?: FollowOptions): Following<T, Watched<T>>;

	/**
	 * Waits until the session has one of the statuses, or until a function of it returns true, and returns the session.
	 * Throws TIMEOUT after `timeoutMs`, and SESSION_NOT_FOUND when the session is deleted or expires before.
	 *
	 * @example
	 * const { status } = await client.waitFor(session.id, ['complete', 'failed'], { timeoutMs: 600_000 });
	 * const { plan } = await client.waitFor(session.id, ({ plan }) => plan !== null);
	 */
	waitFor<Status extends SessionStatus>(
		id: string,
		statuses: readonly Status[],
		options?: WaitOptions,
	): Promise<Session<T> & { status: Status }>;
	waitFor(
		id: string,
		isReached: (session: Session<T>) => boolean | Promise<boolean>,
		options?: WaitOptions,
	): Promise<Session<T>>;

	/**
	 * Reads the session, lets `decide` choose a change, and writes the change if nobody has changed the session
	 * meanwhile. Otherwise it reads and decides again. `decide` returns undefined to leave the session unchanged.
	 * Returns the current session. Throws PRECONDITION_FAILED when every attempt conflicts with another writer.
	 *
	 * @example
	 * await client.editWhile(session.id, ({ status }) =>
	 * 	status === 'intake' ? { patch: { status: 'generating' } } : undefined,
	 * );
	 */
	editWhile(
		id: string,
		decide: (session: Session<T>) => Edit<T> | undefined | Promise<Edit<T> | undefined>,
		options?: EditOptions,
	): Promise<Session<T>>;

	/**
	 * Makes a call that this client has no method for, with its token, retries and errors. It returns the value of the
	 * JSON response. `path` begins with a slash and is below the `baseUrl`. A GET, a DELETE and a write with an
	 * `idempotencyKey` or an `ifMatch` are retried.
	 *
	 * @example
	 * const health = await client.request<{ status: string }>('GET', '/healthz');
	 */
	request<Data = unknown>(method: Method, path: string, options?: RequestOptions): Answered<Data>;
}
