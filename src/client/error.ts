import type { ErrorBody } from './types.ts';

/** The service's own codes, which `GET /openapi.json` explains. */
export type ServiceErrorCode = ErrorBody['code'];

/** The codes of failures that the service did not report itself. */
export type ClientErrorCode =
	/** No response arrived, and no write was carried out: it was a read, or the request never reached a server. */
	| 'NETWORK_ERROR'
	/**
	 * No response to a read arrived within `timeoutMs`, or no token from the token function, or the session did not become
	 * what `waitFor` waits for.
	 */
	| 'TIMEOUT'
	/**
	 * A write was sent, and it is unknown whether it was carried out. Read the session before you decide what to do.
	 * `cause` is the last failure.
	 */
	| 'OUTCOME_UNKNOWN'
	/** The response did not come from the service, but from a gateway, a captive portal or another server. */
	| 'UNEXPECTED_RESPONSE';

/** One problem of an invalid request: where it is, what is wrong, and what to send instead. */
export type Problem = NonNullable<ErrorBody['details']>[number];

/** The error of a failed call. It never contains the token of the call. */
export class ApiError extends Error {
	override readonly name = 'ApiError';
	/** The HTTP status of the last response; 0 when there was none. */
	declare readonly status: number;
	/** Stable; for programs. */
	declare readonly code: ServiceErrorCode | ClientErrorCode;
	/** The id of the last attempt's request in the service's log. */
	declare readonly requestId: string | undefined;
	/** Each problem of an invalid request (`VALIDATION_ERROR`). Otherwise empty. */
	declare readonly details: readonly Problem[];

	constructor(
		message: string,
		{
			cause,
			...rest
		}: {
			status: number;
			code: ServiceErrorCode | ClientErrorCode;
			requestId?: string | undefined;
			details?: readonly Problem[] | undefined;
			cause?: unknown;
		},
	) {
		super(message, cause === undefined ? undefined : { cause });
		Object.assign(this, { requestId: undefined, ...rest, details: rest.details ?? [] });
	}
}

/** The error for a response that has the status of a success, and is not what the service sends. */
export const unexpected = (message: string): ApiError =>
	new ApiError(message, { status: 200, code: 'UNEXPECTED_RESPONSE' });
