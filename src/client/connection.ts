import { ApiError, errorOfResponse } from './error.ts';
import { Failure } from './failure.ts';
import { retryAfterMs } from './retry.ts';

/** A request without its token. */
export interface OutgoingRequest {
	method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
	url: string;
	headers: Readonly<Record<string, string>>;
	body?: string | undefined;
}

/** One connection to the service. It ends when the caller's signal aborts or a timeout passes. */
export interface Connection {
	signal: AbortSignal;
	/**
	 * Waits for a result from the network. Throws a Failure when it fails or times out, and the reason of the caller's
	 * signal.
	 */
	within<T>(milliseconds: number, work: Promise<T>): Promise<T>;
	/** Closes the connection if it is still open, and stops listening to the caller's signal. */
	close(): void;
}

export function newConnection(callersSignal: AbortSignal | undefined): Connection {
	callersSignal?.throwIfAborted();
	const controller = new AbortController();
	const { signal } = controller;
	const stop = () => controller.abort(callersSignal?.reason);
	callersSignal?.addEventListener('abort', stop, { once: true });
	return {
		signal,
		async within(milliseconds, work) {
			let isLate = false;
			const timer = setTimeout(() => {
				isLate = true;
				controller.abort();
			}, milliseconds);
			let giveUp = () => {};
			// Not every implementation of fetch stops when its signal aborts.
			const stopped = new Promise<never>((_, reject) => {
				giveUp = () => reject(signal.reason);
				signal.addEventListener('abort', giveUp);
				if (signal.aborted) giveUp();
			});
			try {
				return await Promise.race([work, stopped]);
			} catch (cause) {
				if (cause instanceof Failure) throw cause;
				callersSignal?.throwIfAborted();
				throw isLate ? late(milliseconds) : broken(cause);
			} finally {
				clearTimeout(timer);
				signal.removeEventListener('abort', giveUp);
			}
		},
		close() {
			callersSignal?.removeEventListener('abort', stop);
			controller.abort();
		},
	};
}

const late = (milliseconds: number) =>
	new Failure(
		new ApiError(`The response did not arrive within ${milliseconds} ms.`, { status: 0, code: 'TIMEOUT' }),
		'lost',
	);

const broken = (cause: unknown) =>
	new Failure(
		new ApiError('The connection to the service failed. See cause.', {
			status: 0,
			code: 'NETWORK_ERROR',
			cause,
		}),
		'lost',
	);

/** The statuses of a gateway that cannot reach the service, or of the service when it cannot reach its database. */
const isLost = (status: number): boolean =>
	[502, 503, 504].includes(status) || (status >= 520 && status < 600);

/** Returns the response when its status is 2xx. Otherwise throws a Failure, or the error of reading the body. */
export async function successOf(response: Response): Promise<Response> {
	if (response.ok) return response;
	const error = errorOfResponse(response, await response.text());
	const retryAfter = retryAfterMs(response.headers.get('Retry-After'));
	if (response.status === 429) throw new Failure(error, 'not yet', retryAfter);
	throw new Failure(error, isLost(response.status) ? 'lost' : 'refused', retryAfter);
}
