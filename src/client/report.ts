import type { ApiError } from './error.ts';

/** One attempt of a call, after it has ended. It contains no token, body or header. */
export interface Attempt {
	method: string;
	url: string;
	/** The X-Request-Id that the attempt sent. It is in the service's log if the request arrived there. */
	requestId: string;
	/** 0 for the first attempt of a call, 1 for its first retry. */
	retry: number;
	/** The HTTP status; 0 when no response arrived. */
	status: number;
	/** Until the response had arrived; for a stream, until its headers had. */
	durationMs: number;
	/** Why the attempt failed. Undefined when it succeeded, or when the caller's signal aborted it. */
	error: ApiError | undefined;
}

/** The part of a logger that the client uses. */
export interface Logger {
	debug(message: string, details: Attempt): void;
	warn(message: string, details: Attempt): void;
}

interface Reported {
	logger?: Logger | undefined;
	onAttempt?: ((attempt: Attempt) => void) | undefined;
}

/** Tells the logger and the hook of a client about an attempt. */
export function report({ logger, onAttempt }: Reported, attempt: Attempt): void {
	const { method, url, status, durationMs, error } = attempt;
	const line = `${method} ${url} ${error?.code ?? status} in ${Math.round(durationMs)} ms`;
	notify(() => logger?.[error ? 'warn' : 'debug'](line, attempt));
	notify(() => onAttempt?.(attempt));
}

/**
 * Calls a function of the caller. Its error becomes an uncaught error, as that of an event listener does: it must not
 * change the outcome of a call.
 */
export function notify(call: () => void): void {
	try {
		call();
	} catch (error) {
		queueMicrotask(() => {
			throw error;
		});
	}
}
