import type { ErrorBody } from './types.ts';

/** The service's own codes, which `GET /openapi.json` explains. */
export type ServiceErrorCode = ErrorBody['code'];

/** The codes of failures that the service did not report itself. */
export type ClientErrorCode =
	/** The connection failed, and no response arrived. */
	| 'NETWORK_ERROR'
	/** No response arrived within `timeoutMs`. */
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

/** The error of a failed call. It never contains a token or a key. */
export class ApiError extends Error {
	override readonly name = 'ApiError';
	/** The HTTP status of the last response; 0 when there was none. */
	readonly status: number;
	/** Stable; for programs. */
	readonly code: ServiceErrorCode | ClientErrorCode;
	/** The id of the request in the service's log. */
	readonly requestId: string | undefined;
	/** Each problem of an invalid request (`VALIDATION_ERROR`). Otherwise empty. */
	readonly details: readonly Problem[];

	constructor(
		message: string,
		error: {
			status: number;
			code: ServiceErrorCode | ClientErrorCode;
			requestId?: string | undefined;
			details?: readonly Problem[] | undefined;
			cause?: unknown;
		},
	) {
		super(message, error.cause === undefined ? undefined : { cause: error.cause });
		this.status = error.status;
		this.code = error.code;
		this.requestId = error.requestId;
		this.details = error.details ?? [];
	}
}

/** The error of a response whose status is not 2xx. `text` is its body. */
export function errorOfResponse(response: Response, text: string): ApiError {
	const { status } = response;
	const body = errorBodyOf(text);
	const requestId = body?.requestId ?? response.headers.get('X-Request-Id') ?? undefined;
	if (body === undefined) {
		const message = `The server returned ${status} without a JSON error. Check the baseUrl, and proxies in between.`;
		return new ApiError(message, { status, code: 'UNEXPECTED_RESPONSE', requestId });
	}
	return new ApiError(sentenceOf(body), { status, code: body.code, requestId, details: body.details });
}

function errorBodyOf(text: string): ErrorBody | undefined {
	const body = jsonOf(text);
	if (typeof body !== 'object' || body === null || !('code' in body) || !('error' in body)) return undefined;
	return typeof body.code === 'string' && typeof body.error === 'string' ? (body as ErrorBody) : undefined;
}

/** The value of a JSON text; undefined when the text is not JSON. */
export function jsonOf(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

/** The service's error message, followed by each problem, because logs often contain only the message. */
const sentenceOf = ({ error, details = [] }: ErrorBody): string => [error, ...details.map(lineOf)].join('\n');

const lineOf = ({ path, message, suggestion }: Problem): string =>
	`${path || 'request'}: ${message}${suggestion === undefined ? '' : `. ${suggestion}`}`;
