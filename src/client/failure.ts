import type { ApiError } from './error.ts';
import type { FetchResponse } from './options.ts';

/** What a failure of one attempt tells about the outcome of its request. */
export type Meaning =
	/** The service itself rejected the request, and would reject a retry as well. */
	| 'refused'
	/** The request was certainly not carried out, and a retry may succeed. */
	| 'not yet'
	/** It is unknown whether the request was carried out, and a retry may succeed. */
	| 'lost'
	/** It is unknown whether the request was carried out. Something else than the service responds at this URL. */
	| 'foreign';

/** Thrown only within the client. The caller gets its `error`. */
export class Failure extends Error {
	declare readonly error: ApiError;
	declare readonly means: Meaning;
	declare readonly retryAfterMs: number;
	/** Undefined when none arrived. */
	declare readonly response: FetchResponse | undefined;

	constructor(error: ApiError, means: Meaning, retryAfterMs = 0, response?: FetchResponse) {
		super(error.message);
		Object.assign(this, { error, means, retryAfterMs, response });
	}
}
