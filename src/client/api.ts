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
	/** How many sessions to pass over. Not together with `after`. */
	offset?: number | undefined;
	/** The id of a session: the list begins after its place. Nothing is counted then, so that far pages cost no more. */
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
		/** How many sessions there are, not only on this page. Absent with `after`. */
		total?: number;
		/** Whether there are sessions after this page. Only with `after`. */
		hasMore?: boolean;
	};
}

export interface GetOptions extends CallOptions {
	fields?: undefined;
}

/** Reads only these fields. The service reads no other from its database. */
export interface Sparse<Field extends string> {
	fields: readonly Field[];
}

export interface EventsOptions extends CallOptions {
	/** The id of the last event that the caller has. */
	after?: string | undefined;
	/** How many events a page holds: 1 to 1,000, default 100. */
	limit?: number | undefined;
}

/** A change that was decided on by reading the session. */
export interface Edit {
	/** Merged into the session by RFC 7396. */
	patch: StepPatch;
	/** Appended together with the change. With at least one event, a lost response cannot leave the outcome open. */
	events?: readonly AppendEvent[] | undefined;
}

export interface EditOptions extends CallOptions {
	/** How many times to read and decide at most. Default 10. */
	maxAttempts?: number | undefined;
}

export interface KeyOptions extends CallOptions {
	/** How long the key works, in seconds: 60 to 86,400, default 3,600; never past the session's end. */
	expiresInSeconds?: number | undefined;
}

/**
 * The calls on sessions. Each returns the data of its response, and throws an `ApiError` when it fails or the reason of its
 * `signal` when that aborts.
 */
export interface Client {
	/**
	 * Lists the caller's sessions, newest first. `await` it for one page; iterate with `for await` for the sessions of this
	 * page and of all pages after it.
	 */
	list<Field extends keyof Session>(
		options: Omit<ListOptions, 'fields'> & Sparse<Field>,
	): Pages<SessionPage<Pick<Session, Field>>, Pick<Session, Field>>;
	list(options?: ListOptions): Pages<SessionPage<Session>, Session>;

	/** Creates a session in the status `intake`. It is created once, however often the request must be sent. */
	create(session?: CreateSession, options?: KeyedOptions): Promise<Session>;

	/** Reads a session with its latest 1,000 events, the oldest of them first. */
	get<Field extends keyof SessionDetails>(
		id: string,
		options: Omit<GetOptions, 'fields'> & Sparse<Field>,
	): Promise<Pick<SessionDetails, Field>>;
	get(id: string, options?: GetOptions): Promise<SessionDetails>;

	/** Replaces each field that is given, whole, and leaves every other field as it was. */
	update(id: string, changes: UpdateSession, options?: ConditionalOptions): Promise<Session>;

	/** Merges a patch by RFC 7396: objects merge, and null removes a member or clears a field. */
	merge(id: string, patch: MergeSession, options?: ConditionalOptions): Promise<Session>;

	/** Appends events and merges a patch in one transaction. It happens once, however often the request must be sent. */
	step(id: string, step: AppendStep, options?: KeyedOptions & ConditionalOptions): Promise<Step>;

	/** Appends an event. It is appended once, however often the request must be sent. */
	append(id: string, event: AppendEvent, options?: KeyedOptions): Promise<Event>;

	/**
	 * Reads the events of a session, oldest first. `await` it for one page; iterate with `for await` for the events of this
	 * page and of all pages after it.
	 */
	events(id: string, options?: EventsOptions): Pages<EventPage, Event>;

	/** Deletes a session and its events. */
	delete(id: string, options?: ConditionalOptions): Promise<void>;

	/** Makes a key that can read this session, its events and its stream, and nothing else: for a browser. */
	createKey(id: string, options?: KeyOptions): Promise<SessionKey>;

	/** Revokes a key of a session. */
	revokeKey(id: string, keyId: string, options?: CallOptions): Promise<void>;

	/**
	 * Follows a session live: first the events that are stored, then each new event, with the changes of its state between
	 * them, each once and in order. It resumes by itself when the connection breaks, and ends when the session is gone.
	 * Leaving the loop closes the connection. Throws SESSION_NOT_FOUND for a session that is gone before it was told, and
	 * UNAUTHORIZED when a renewed token is refused as well.
	 */
	follow(id: string, options?: FollowOptions): AsyncGenerator<Followed, void, undefined>;

	/**
	 * Reads the session, lets `decide` choose a change, and writes it if nobody changed the session meanwhile; else it reads
	 * and decides again. `decide` returns undefined to leave the session as it is. Returns the session as it is then. Throws
	 * PRECONDITION_FAILED when every attempt met another writer.
	 */
	editWhile(
		id: string,
		decide: (session: Session) => Edit | undefined | Promise<Edit | undefined>,
		options?: EditOptions,
	): Promise<Session>;
}
