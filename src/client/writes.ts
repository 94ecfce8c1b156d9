/** What the calls that write take, besides what they send. */
import type { CallOptions } from './options.ts';
import type { AppendEvent, Types, Untyped } from './typed.ts';
import type { CreateSession, StepPatch } from './types.ts';

/** What a session begins as, with the fields that are to be different. */
export interface Fork<T extends Types = Untyped> extends Omit<CreateSession<T>, 'from'> {
	/** A version of the other session. By default the current one. */
	version?: number | undefined;
}

export interface RestoreOptions<T extends Types = Untyped> extends CallOptions {
	/** Appended together with the change. */
	event?: AppendEvent<T> | undefined;
}

/** A change that is based on the session that was read. */
export interface Edit<T extends Types = Untyped> {
	/** Merged into the session by RFC 7396. */
	patch: StepPatch<T>;
	/** Appended together with the change. With at least one event, a lost response never leaves the outcome unknown. */
	events?: readonly AppendEvent<T>[] | undefined;
}

export interface EditOptions extends CallOptions {
	/** How many times to read and decide at most. Default 10. */
	maxAttempts?: number | undefined;
}

export interface KeyOptions extends CallOptions {
	/** How long the key works, in seconds: 60 to 86,400, default 3,600. It never outlives the session. */
	expiresInSeconds?: number | undefined;
	/**
	 * The types of events that the key may append: 1 to 20. `*` at the end of one stands for any rest: `input.*`. Needs the
	 * permission to write. Without it the key can only read.
	 */
	append?: readonly string[] | undefined;
}
