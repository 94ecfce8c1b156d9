/** What the calls that read take, and the page of a list. */
import type { CallOptions } from './options.ts';
import type { SessionStatus } from './types.ts';

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
	/** The version to read, with the events that had happened when it began. By default the current one. */
	version?: number | undefined;
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
	/** `desc` begins with the newest event, and `after` goes on with older ones. Default `asc`. */
	order?: 'asc' | 'desc' | undefined;
}

export interface VersionsOptions extends CallOptions {
	/** A version. The page has those before it. */
	before?: number | undefined;
	/** How many versions a page holds: 1 to 100, default 20. */
	limit?: number | undefined;
}
