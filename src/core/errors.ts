import * as z from 'zod';
import { type Problem, problemSchema, shortened } from './problems.ts';

/** Every code of an error response, with its HTTP status. */
export const errorStatus = {
	INVALID_JSON: 400,
	VALIDATION_ERROR: 400,
	UNAUTHORIZED: 401,
	FORBIDDEN: 403,
	QUOTA_EXCEEDED: 403,
	SESSION_NOT_FOUND: 404,
	VERSION_NOT_FOUND: 404,
	NOT_FOUND: 404,
	METHOD_NOT_ALLOWED: 405,
	REQUEST_TIMEOUT: 408,
	PRECONDITION_FAILED: 412,
	PAYLOAD_TOO_LARGE: 413,
	UNSUPPORTED_MEDIA_TYPE: 415,
	IDEMPOTENCY_KEY_REUSED: 422,
	RATE_LIMITED: 429,
	INTERNAL_ERROR: 500,
	DATABASE_UNAVAILABLE: 503,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof errorStatus;

/** Limits of an error response, because a large invalid request must not cause a large response. */
const MAX_PROBLEMS = 100;
const MAX_SENTENCE = 1000;

export const errorSchema = z
	.object({
		error: z.string().max(MAX_SENTENCE).meta({ description: 'A sentence for people.' }),
		code: z.enum(Object.keys(errorStatus) as [ErrorCode, ...ErrorCode[]]).meta({
			description: 'Stable; for programs.',
		}),
		requestId: z.string().max(128).meta({ description: 'The same as the X-Request-Id header.' }),
		details: z
			.array(problemSchema)
			.max(MAX_PROBLEMS)
			.optional()
			.meta({ description: 'Only on VALIDATION_ERROR.' }),
	})
	.meta({ id: 'ErrorResponse' });
export type ErrorBody = z.infer<typeof errorSchema>;

/** An error that the caller sees. Any code may throw it, and one handler turns it into a response. */
export class ApiError extends Error {
	readonly code: ErrorCode;
	readonly details: Problem[] | undefined;
	readonly headers: Record<string, string>;

	constructor(
		code: ErrorCode,
		message: string,
		more: { details?: Problem[]; headers?: Record<string, string>; cause?: unknown } = {},
	) {
		super(message, more.cause === undefined ? undefined : { cause: more.cause });
		this.code = code;
		this.details = more.details;
		this.headers = more.headers ?? {};
	}
}

/** A 429 that says when to try again, in seconds. */
export const rateLimited = (sentence: string, retryAfterSeconds: number): ApiError =>
	new ApiError('RATE_LIMITED', sentence, { headers: { 'Retry-After': String(retryAfterSeconds) } });

/**
 * A 400 that names each problem, up to MAX_PROBLEMS of them. Checks of one field can find the same problem. The last of them
 * counts, because it is the narrowest.
 */
export const validationError = (problems: Problem[]): ApiError => {
	const each = new Map(problems.map((problem) => [`${problem.code} ${problem.path}`, problem]));
	return new ApiError('VALIDATION_ERROR', 'Validation failed. The details name each problem.', {
		details: Array.from(each.values()).slice(0, MAX_PROBLEMS).map(shortened),
	});
};
