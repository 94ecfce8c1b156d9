import { newConnection, type OutgoingRequest, successOf } from './connection.ts';
import { ApiError, jsonOf } from './error.ts';
import { Failure } from './failure.ts';
import { type CallOptions, type ClientOptions, type Fetch, limitsOf } from './options.ts';
import { delayBefore, pause } from './retry.ts';
import type { TokenSource } from './token.ts';

/** The service that a client calls. */
export interface Service {
	options: ClientOptions;
	/** The URL of the sessions, without a slash at its end. */
	url: string;
	fetch: Fetch;
	tokens: TokenSource;
}

export interface Call extends OutgoingRequest {
	/** Whether the request may be sent again when it is unknown whether it was carried out. */
	isRepeatable: boolean;
	options: CallOptions;
}

export interface Answer<T> {
	body: T;
	etag: string | null;
	link: string | null;
}

/** The response body of a successful DELETE. */
const DELETED = { success: true };

/**
 * Sends a call, retries it when that is safe, and returns its JSON response. Throws an ApiError, the reason of the
 * caller's signal, or the error of the caller's token function.
 */
export async function send<T>(service: Service, call: Call): Promise<Answer<T>> {
	const { timeoutMs, maxRetries } = limitsOf(service.options, call.options);
	let token = await service.tokens.current();
	let wasRenewed = false;
	let wasLost = false;
	for (let failures = 0; ; ) {
		try {
			return await sendOnce<T>(service, call, token, timeoutMs);
		} catch (failure) {
			if (!(failure instanceof Failure)) throw failure;
			if (failure.error.status === 401 && !wasRenewed) {
				wasRenewed = true;
				const renewed = await service.tokens.renewed(token);
				if (renewed !== undefined) {
					token = renewed;
					continue;
				}
			}
			// An earlier attempt deleted the session, so this one does not find it.
			if (wasLost && call.method === 'DELETE' && failure.error.status === 404) {
				return { body: DELETED as T, etag: null, link: null };
			}
			wasLost ||= failure.means === 'lost';
			failures += 1;
			const mayRetry = failure.means === 'not yet' || (failure.means === 'lost' && call.isRepeatable);
			const delay =
				mayRetry && failures <= maxRetries ? delayBefore(failures, failure.retryAfterMs) : undefined;
			if (delay === undefined) throw wasLost ? errorAfterLoss(call, failure) : failure.error;
			await pause(delay, call.options.signal);
		}
	}
}

/** The headers of a request with a token. */
export const headersWith = (token: string, { headers }: OutgoingRequest): Record<string, string> => ({
	Accept: 'application/json',
	...headers,
	Authorization: `Bearer ${token}`,
});

async function sendOnce<T>(
	service: Service,
	call: Call,
	token: string,
	timeoutMs: number,
): Promise<Answer<T>> {
	const connection = newConnection(call.options.signal);
	const { method, body } = call;
	async function exchange(): Promise<Answer<T>> {
		const response = await successOf(
			await service.fetch(call.url, {
				method,
				headers: headersWith(token, call),
				signal: connection.signal,
				...(body === undefined ? {} : { body }),
			}),
		);
		const { headers } = response;
		const value = jsonOf(await response.text());
		if (value === undefined) throw notJson(response);
		return { body: value as T, etag: headers.get('ETag'), link: headers.get('Link') };
	}
	try {
		return await connection.within(timeoutMs, exchange());
	} finally {
		connection.close();
	}
}

/** JSON that does not parse was cut off in transit. Any other media type comes from another server. */
function notJson(response: Response): Failure {
	const isCut = response.headers.get('Content-Type')?.includes('json') ?? false;
	const { status } = response;
	const error = new ApiError(`The body of the ${status} response is not JSON.`, {
		status,
		code: 'UNEXPECTED_RESPONSE',
		requestId: response.headers.get('X-Request-Id') ?? undefined,
	});
	return new Failure(error, isCut ? 'lost' : 'refused');
}

/** Errors that do not tell whether an earlier attempt of the same write was carried out. */
const SILENT = new Set([401, 403, 500]);

/**
 * The error of a call after a lost response. A write may have been carried out, unless a later response shows that it
 * was not. A 412 does not show that for a PATCH: the first attempt of the same PATCH may have changed the session.
 */
function errorAfterLoss({ method }: Call, { error, means }: Failure): ApiError {
	if (method === 'GET') return error;
	const isTold =
		means === 'refused' && !SILENT.has(error.status) && !(method === 'PATCH' && error.status === 412);
	if (isTold) return error;
	return new ApiError(
		`No response says whether the ${method} was carried out. Last failure: ${error.message}`,
		{
			status: error.status,
			code: 'OUTCOME_UNKNOWN',
			requestId: error.requestId,
			cause: error,
		},
	);
}
