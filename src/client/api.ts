import type { Followed, FollowOptions } from './follow.ts';
import type { CallOptions, ConditionalOptions, KeyedOptions } from './options.ts';
import type { Pages } from './pages.ts';
import type {
	AppendEvent,
	AppendStep,
	CreateSession,
	Event,
	EventPage,
	MergeSession,
	Session,
	SessionDetails,
	SessionKey,
	SessionStatus,
	Step,
	StepPatch,
	UpdateSession,
} from './types.ts';

export interface ListOptions extends CallOptions {
	/** Only sessions in this status. */
	status?: SessionStatus | undefined;
	/** How many sessions a page holds: 1 to 100, default 20. */
	limit?: number | undefined;
	/** How many sessions to skip. Not together with `after`. */
	offset?: number | undefined;
	/**
	 * The id of a session. The list starts after it. Such a list has no total, so far pages cost no more than the
	 * first.
	 */
	after?: string | undefined;
	fields?: undefined;
}

/** A page of sessions. */
export interface SessionPage<Item> {
	data: Item[];
	pagination: {
		limit: number;
		/** Absent with `after`. */
		offset?: number;
		/** The total number of sessions on all pages. Absent with `after`. */
		total?: number;
		/** Whether there are sessions after this page. Only with `after`. */
		hasMore?: boolean;
	};
}

export interface GetOptions extends CallOptions {
	fields?: undefined;
}

/** Reads only these fields. The service does not read the others from its database. */
export interface Sparse<Field extends string> {
	fields: readonly Field[];
}

export interface EventsOptions extends CallOptions {
	/** The id of the last event that the caller has. */
	after?: string | undefined;
	/** How many events a page holds: 1 to 1,000, default 100. */
	limit?: number | undefined;
}

/** A change that is based on the session that was read. */
export interface Edit {
	/** Merged into the session by RFC 7396. */
	patch: StepPatch;
	/** Appended together with the change. With at least one event, a lost response never leaves the outcome unknown. */
	events?: readonly AppendEvent[] | undefined;
}

export interface EditOptions extends CallOptions {
	/** How many times to read and decide at most. Default 10. */
	maxAttempts?: number | undefined;
}

export interface KeyOptions extends CallOptions {
	/** How long the key works, in seconds: 60 to 86,400, default 3,600. It never outlives the session. */
	expiresInSeconds?: number | undefined;
}

/**
 * The calls on sessions. Each returns the data of its response. It throws an `ApiError` when it fails, and the reason
 * of its `signal` when that aborts.
 */
export interface Client {
	/**
	 * Lists the caller's sessions, newest first. `await` it for one page. Iterate with `for await` for the sessions of
	 * this page and of all later pages.
	 */
	list<Field extends keyof Session>(
		options: Omit<ListOptions, 'fields'> & Sparse<Field>,
	): Pages<SessionPage<Pick<Session, Field>>, Pick<Session, Field>>;
	list(options?: ListOptions): Pages<SessionPage<Session>, Session>;

	/** Creates a session in the status `intake`. Retries never create a second session. */
	create(session?: CreateSession, options?: KeyedOptions): Promise<Session>;

	/** Reads a session with its latest 1,000 events, oldest first. */
	get<Field extends keyof SessionDetails>(
		id: string,
		options: Omit<GetOptions, 'fields'> & Sparse<Field>,
	): Promise<Pick<SessionDetails, Field>>;
	get(id: string, options?: GetOptions): Promise<SessionDetails>;

	/** Replaces each given field as a whole, and leaves the other fields unchanged. */
	update(id: string, changes: UpdateSession, options?: ConditionalOptions): Promise<Session>;

	/** Merges a patch by RFC 7396: objects merge, and null removes a member or clears a field. */
	merge(id: string, patch: MergeSession, options?: ConditionalOptions): Promise<Session>;

	/** Appends events and merges a patch in one transaction. Retries never repeat it. */
	step(id: string, step: AppendStep, options?: KeyedOptions & ConditionalOptions): Promise<Step>;

	/** Appends an event. Retries never append a second one. */
	append(id: string, event: AppendEvent, options?: KeyedOptions): Promise<Event>;

	/**
	 * Reads the events of a session, oldest first. `await` it for one page. Iterate with `for await` for the events of
	 * this page and of all later pages.
	 */
	events(id: string, options?: EventsOptions): Pages<EventPage, Event>;

	/** Deletes a session and its events. */
	delete(id: string, options?: ConditionalOptions): Promise<void>;

	/** Makes a key that can only read this session, its events and its stream. Give such a key to a browser. */
	createKey(id: string, options?: KeyOptions): Promise<SessionKey>;

	/** Revokes a key of a session. */
	revokeKey(id: string, keyId: string, options?: CallOptions): Promise<void>;

	/**
	 * Follows a session live: first the stored events, then each new event, each once and in order, with the changes of
	 * the session's state between them. It resumes by itself when the connection breaks, and ends when the session is
	 * deleted or expires. Leaving the loop closes the connection. Throws SESSION_NOT_FOUND when the session does not
	 * exist, and UNAUTHORIZED when a renewed token is rejected as well.
	 */
	follow(id: string, options?: FollowOptions): AsyncGenerator<Followed, void, undefined>;

	/**
	 * Reads the session, lets `decide` choose a change, and writes the change if nobody has changed the session
	 * meanwhile. Otherwise it reads and decides again. `decide` returns undefined to leave the session unchanged.
	 * Returns the current session. Throws PRECONDITION_FAILED when every attempt conflicts with another writer.
	 */
	editWhile(
		id: string,
		decide: (session: Session) => Edit | undefined | Promise<Edit | undefined>,
		options?: EditOptions,
	): Promise<Session>;
}
