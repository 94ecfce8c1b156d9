import type { ApiError } from './error.ts';

/** What a failure tells about the outcome of the request. */
export type Meaning =
	/** The service rejected the request, and would reject a retry as well. */
	| 'refused'
	/** The request was not carried out, and a retry may succeed. */
	| 'not yet'
	/** The response was lost: it is unknown whether the request was carried out. */
	| 'lost';

/** Thrown only within the client. The caller gets its `error`. */
export class Failure extends Error {
	readonly error: ApiError;
	readonly means: Meaning;
	readonly retryAfterMs: number;

	constructor(error: ApiError, means: Meaning, retryAfter = 0) {
		super(error.message);
		this.error = error;
		this.means = means;
		this.retryAfterMs = retryAfter;
	}
}
