import type { Context } from 'hono';
import { DatabaseUnavailable } from '../core/database.ts';
import { ApiError, type ErrorBody, errorStatus } from '../core/errors.ts';
import { errorFields, log, logStack } from '../core/log.ts';
import type { AppEnv } from './context.ts';

/** Turns a thrown error into a response. Errors other than the expected ones are bugs: they are logged in full. */
export function errorResponse(thrown: Error, c: Context<AppEnv>): Response {
	const error = apiErrorFrom(thrown);
	const status = errorStatus[error.code];
	const requestId = c.get('requestId');
	if (status >= 500) {
		log('error', {
			message: error.message,
			code: error.code,
			requestId,
			...errorFields(error.cause ?? error),
		});
		if (error.code === 'INTERNAL_ERROR') logStack(error.cause ?? error);
	}
	const body: ErrorBody = {
		error: error.message,
		code: error.code,
		requestId,
		...(error.details ? { details: error.details } : {}),
	};
	return c.json(body, status, error.headers);
}

function apiErrorFrom(thrown: Error): ApiError {
	if (thrown instanceof ApiError) return thrown;
	if (thrown instanceof DatabaseUnavailable) {
		return new ApiError('DATABASE_UNAVAILABLE', thrown.message, {
			headers: { 'Retry-After': String(thrown.retryAfterSeconds) },
			cause: thrown.cause,
		});
	}
	return new ApiError('INTERNAL_ERROR', 'Something went wrong in the service. Try again later.', {
		cause: thrown,
	});
}
