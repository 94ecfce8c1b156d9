import type { Context } from 'hono';
import { ApiError, type ErrorBody, errorStatus } from '../core/errors.ts';
import { errorFields, log } from '../core/log.ts';
import type { AppEnv } from './context.ts';

/** Turns whatever was thrown into an answer. What is no ApiError is ours: logged whole, told as INTERNAL_ERROR. */
export function answerError(thrown: Error, c: Context<AppEnv>): Response {
	const known = thrown instanceof ApiError;
	const error = known
		? thrown
		: new ApiError('INTERNAL_ERROR', 'Something went wrong here.', { cause: thrown });
	const status = errorStatus[error.code];
	const requestId = c.get('requestId');
	if (status >= 500) {
		log('error', {
			message: error.message,
			code: error.code,
			requestId,
			...errorFields(error.cause ?? error),
		});
	}
	const body: ErrorBody = {
		error: error.message,
		code: error.code,
		requestId,
		...(error.details ? { details: error.details } : {}),
	};
	return c.json(body, status, error.headers);
}
