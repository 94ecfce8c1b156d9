/** An API key or a Clerk session token, or a function that returns one. */
export type Token = string | (() => string | Promise<string>);

/** The part of `fetch` that the client uses. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface ClientOptions {
	/** The URL of the service, without the path of the calls: `https://sessions.example.com`. */
	baseUrl: string;
	/**
	 * An API key or a Clerk session token. A function is called before the first request, again after a 401, and
	 * whenever `follow` resumes. The call rethrows its errors.
	 */
	token: Token;
	/** The timeout of one attempt in milliseconds. Default 30,000. */
	timeoutMs?: number | undefined;
	/** The maximum number of retries. Default 5. */
	maxRetries?: number | undefined;
	/** Replaces the global `fetch`, for tests, proxies and service bindings. */
	fetch?: Fetch | undefined;
}

/** The options of every call. */
export interface CallOptions {
	/** Ends the call when it aborts. The call then throws the signal's reason. */
	signal?: AbortSignal | undefined;
	/** The timeout of one attempt in milliseconds. Default: that of the client. */
	timeoutMs?: number | undefined;
	/** The maximum number of retries. Default: that of the client. */
	maxRetries?: number | undefined;
}

export interface KeyedOptions extends CallOptions {
	/**
	 * Identifies the write, which then happens once however often it is sent: 1 to 255 visible ASCII characters. By
	 * default the client generates a key for each call and reuses it for the retries of that call. Pass your own key
	 * when your program may repeat the call after a crash.
	 */
	idempotencyKey?: string | undefined;
}

export interface ConditionalOptions extends CallOptions {
	/**
	 * Writes only if nobody has changed the session since: an ETag, or a session that this client returned. Otherwise
	 * the call throws `PRECONDITION_FAILED`. With it, the client may retry the write after a lost response.
	 */
	ifMatch?: string | object | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_RETRIES = 5;

export interface Limits {
	timeoutMs: number;
	maxRetries: number;
}

/** The limits of a call: its own options, otherwise those of the client, otherwise the defaults. */
export const limitsOf = (client: ClientOptions, call: CallOptions): Limits => ({
	timeoutMs: call.timeoutMs ?? client.timeoutMs ?? DEFAULT_TIMEOUT_MS,
	maxRetries: call.maxRetries ?? client.maxRetries ?? DEFAULT_MAX_RETRIES,
});
