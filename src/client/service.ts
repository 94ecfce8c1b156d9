import { within } from './abort.ts';
import { isUnsent } from './connecting.ts';
import { ApiError } from './error.ts';
import { Failure } from './failure.ts';
import { givenHeaders, headersOf } from './headers.ts';
import { type CallOptions, type ClientOptions, type Fetch, type FetchResponse, limitsOf } from './options.ts';
import { report } from './report.ts';
import { expectSuccess, type Sent } from './response.ts';
import { type TokenSource, tokenSource } from './token.ts';
import { baseOf } from './url.ts';

/** The service that a client calls. */
export interface Service {
	options: ClientOptions;
	/** Its URL, to which the paths of calls are added. */
	base: string;
	fetch: Fetch;
	tokens: TokenSource;
	/** Whether the network on the way hands the ids of requests through. A response with another id is then not ours. */
	path: { keepsIds: boolean };
}

/** Throws a TypeError for options that no call could use. */
export function serviceOf(options: ClientOptions): Service {
	limitsOf(options);
	givenHeaders(options.headers);
	return {
		options,
		base: baseOf(options.baseUrl),
		// A browser throws when `fetch` is called as a method of another object.
		fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
		tokens: tokenSource(options.token),
		path: { keepsIds: false },
	};
}

/** The options of a call together with those of the client. Throws a TypeError for what cannot be used. */
export const settled = ({ options }: Service, call: CallOptions) => ({
	...limitsOf(options, call),
	given: givenHeaders(options.headers, call.headers),
});

/** A request without what each attempt adds. */
export interface OutgoingRequest {
	method: string;
	/** The path below the base, with its query. */
	path: string;
	headers: Readonly<Record<string, string>>;
	body?: string | null;
}

/** What one attempt adds to a request. */
export interface Sending {
	token: string;
	requestId: string;
	/** 0 for the first attempt. */
	retry: number;
	timeoutMs: number;
	/** The caller's. */
	signal: AbortSignal | undefined;
	/** Closes the connection. */
	connection: AbortController;
}

/**
 * Sends a request once, and reads its response with `read`. Throws a Failure when there is no response of the service with
 * the `documented` status (any 2xx if undefined) within the timeout, and the reason of the caller's signal.
 */
export async function attempt<T>(
	service: Service,
	{ method, path, headers, body = null }: OutgoingRequest,
	sending: Sending,
	documented: number | undefined,
	read: (response: FetchResponse, sent: Sent) => Promise<T>,
): Promise<T> {
	const { requestId, retry, timeoutMs, signal, connection } = sending;
	signal?.throwIfAborted();
	const url = service.base + path;
	const sent = { ...sending, path: service.path };
	const started = performance.now();
	let status = 0;
	async function exchange(): Promise<T> {
		const response = await service.fetch(url, {
			method,
			headers: headersOf(headers, sending),
			signal: connection.signal,
			redirect: 'manual',
			body,
		});
		// Where fetch does not stop for its signal, the response comes when nobody waits for it.
		if (connection.signal.aborted) await response.body?.cancel();
		connection.signal.throwIfAborted();
		status = response.status;
		await expectSuccess(response, documented, sent);
		return await read(response, sent);
	}
	const tell = (error: ApiError | undefined) =>
		report(service.options, {
			method,
			url,
			requestId,
			retry,
			status,
			durationMs: performance.now() - started,
			error,
		});
	try {
		const result = await within(
			exchange(),
			timeoutMs,
			signal,
			() => new Failure(late('response', timeoutMs, requestId), 'lost'),
		);
		tell(undefined);
		return result;
	} catch (thrown) {
		connection.abort();
		if (signal?.aborted) {
			tell(undefined);
			throw signal.reason;
		}
		const failure = thrown instanceof Failure ? thrown : broken(thrown, requestId);
		tell(failure.error);
		throw failure;
	}
}

/** Waits for a token. Throws the error of the caller's function, and TIMEOUT when it does not settle in time. */
export const tokenWithin = <T>(
	token: Promise<T>,
	timeoutMs: number,
	signal: AbortSignal | undefined,
): Promise<T> => within(token, timeoutMs, signal, () => late('token', timeoutMs));

const late = (what: string, milliseconds: number, requestId?: string): ApiError =>
	new ApiError(`The ${what} did not arrive within ${milliseconds} ms.`, {
		status: 0,
		code: 'TIMEOUT',
		requestId,
	});

function broken(cause: unknown, requestId: string): Failure {
	const isKnown = isUnsent(cause);
	const what = isKnown ? 'could not be made. Check the baseUrl and the network' : 'failed';
	const error = new ApiError(`The connection to the service ${what}. See cause.`, {
		status: 0,
		code: 'NETWORK_ERROR',
		requestId,
		cause,
	});
	return new Failure(error, isKnown ? 'not yet' : 'lost');
}
