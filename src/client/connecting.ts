/** Tells whether a request that failed reached a server. */

/** The errors of Node and Bun for a connection that was never made, and for a certificate that was not accepted. */
const UNSENT = /ECONNREFUSED|ENOTFOUND|CONNECT_TIMEOUT|ConnectionRefused|CERT|LEAF_SIGNATURE/;

interface SystemError {
	cause?: unknown;
	code?: unknown;
	syscall?: unknown;
}

/**
 * Whether the error of a `fetch` proves that its request was not sent. Browsers and Workers do not tell. Deno tells of its last
 * try alone: it sends a request again by itself when a connection that it had used before is closed. So it is false there.
 */
export function isUnsent(error: unknown): boolean {
	if (typeof error !== 'object' || error === null) return false;
	const { cause, code, syscall } = error as SystemError;
	if (cause !== undefined && cause !== null) return isUnsent(cause);
	return UNSENT.test(String(code)) || syscall === 'connect' || syscall === 'getaddrinfo';
}
