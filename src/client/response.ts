/** Tells the service's own responses from those of gateways, captive portals and other servers. */
import { ApiError, type ServiceErrorCode } from './error.ts';
import { Failure, type Meaning } from './failure.ts';
import type { FetchResponse } from './options.ts';
import { retryAfterMs } from './retry.ts';
import type { ErrorBody } from './types.ts';
import { errorStatuses } from './values.ts';

/** What a response is checked against: the request that it must belong to. */
export interface Sent {
	token: string;
	requestId: string;
	/** Whether the network on the way hands the ids of requests through. */
	path: { keepsIds: boolean };
}

/** Stands in errors where a server echoed the token. */
const HIDDEN = '[token]';

/** No key or Clerk token is shorter. A shorter one, of a test, would be found in words. */
const SHORTEST_TOKEN = 8;

/** A text without the token. */
const hiding = (token: string, text: string): string =>
	token.length < SHORTEST_TOKEN ? text : text.replaceAll(token, HIDDEN);

function requestIdOf({ headers }: FetchResponse, { token }: Sent): string | undefined {
	const id = headers.get('X-Request-Id');
	return id === null ? undefined : hiding(token, id);
}

/** The value of a JSON text; undefined when the text is not JSON. */
export function jsonOf(text: string, revive?: (name: string, value: unknown) => unknown): unknown {
	try {
		return JSON.parse(text, revive);
	} catch {
		return undefined;
	}
}

/** Whether a value is a JSON object. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Throws a Failure unless a response has the status that the service documents for the success of the call; any 2xx if that is
 * unknown. It reads the body of an error.
 */
export async function expectSuccess(
	response: FetchResponse,
	documented: number | undefined,
	sent: Sent,
): Promise<void> {
	const { status, headers } = response;
	const requestId = requestIdOf(response, sent);
	// A browser shows of a redirect only that there was one.
	if (response.redirected || response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
		const target = hiding(sent.token, headers.get('Location') ?? 'another URL');
		throw foreign(response, sent, 'foreign', `The server redirects to ${target}.`);
	}
	if (requestId === sent.requestId) sent.path.keepsIds = true;
	if (sent.path.keepsIds && requestId !== undefined && requestId !== sent.requestId) {
		throw foreign(response, sent, 'lost', 'The response belongs to another request.');
	}
	if (documented === undefined ? status >= 200 && status < 300 : status === documented) return;
	const text = await response.text();
	const body = errorBodyOf(text, status, sent);
	if (body === undefined) {
		throw foreign(response, sent, mayPass(status) ? 'lost' : 'foreign');
	}
	const error = new ApiError(sentenceOf(body), {
		status,
		code: body.code,
		requestId: body.requestId,
		details: body.details,
	});
	throw new Failure(error, meaningOf(body.code, status), retryAfterMs(headers), response);
}

/** The Failure for a response that is not the service's own to this call. */
export function foreign(
	response: FetchResponse,
	sent: Sent,
	means: Meaning = 'foreign',
	what = `The ${response.status} response is not one of the service to this call.`,
): Failure {
	const error = new ApiError(`${what} Check the baseUrl, and proxies in between.`, {
		status: response.status,
		code: 'UNEXPECTED_RESPONSE',
		requestId: requestIdOf(response, sent) ?? sent.requestId,
	});
	return new Failure(error, means, retryAfterMs(response.headers), response);
}

/** The statuses of a gateway that cannot reach the service now, or lets only so many requests through. */
const mayPass = (status: number): boolean => [408, 425, 429].includes(status) || status >= 500;

function meaningOf(code: ServiceErrorCode, status: number): Meaning {
	if (code === 'RATE_LIMITED' || code === 'REQUEST_TIMEOUT') return 'not yet';
	// The service may have failed before or after it wrote.
	return status >= 500 ? 'lost' : 'refused';
}

/**
 * The service's own error in a body: a code that it has, with the status of that code. A code that this version of the
 * client does not know counts only with the id of the very request.
 */
function errorBodyOf(text: string, status: number, { token, requestId }: Sent): ErrorBody | undefined {
	const body = jsonOf(text, (_, value) => (typeof value === 'string' ? hiding(token, value) : value));
	if (!isObject(body)) return undefined;
	if (![body.error, body.code, body.requestId].every((value) => typeof value === 'string' && value !== '')) {
		return undefined;
	}
	if (!(Array.isArray(body.details) && body.details.every(isObject))) delete body.details;
	const error = body as unknown as ErrorBody;
	const known = Object.hasOwn(errorStatuses, error.code) ? errorStatuses[error.code] : undefined;
	return (known === undefined ? error.requestId === requestId : known === status) ? error : undefined;
}

/** The service's error message, followed by each problem, because logs often contain only the message. */
const sentenceOf = ({ error, details = [] }: ErrorBody): string =>
	[
		error,
		...details.map(({ path, message, suggestion }) =>
			[`${path || 'request'}: ${message}`, ...(suggestion ? [suggestion] : [])].join('. '),
		),
	].join('\n');
