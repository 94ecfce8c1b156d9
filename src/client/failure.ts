import type { ApiError } from './error.ts';

/** What a failure says about what the service did. */
export type Meaning =
	/** The request was refused, and sending it again changes nothing. */
	| 'refused'
	/** Nothing was done, and a later try may succeed. */
	| 'not yet'
	/** The response got lost: whether the request was carried out is not known. */
	| 'lost';

/** Thrown within the client alone; the caller gets its `error`. */
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
