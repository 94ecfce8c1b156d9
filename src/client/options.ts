/** An API key or a Clerk session token, or a function that returns one. */
export type Token = string | (() => string | Promise<string>);

/** The part of `fetch` that the client uses. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface ClientOptions {
	/** Where the service is, without the path of the calls: `https://sessions.example.com`. */
	baseUrl: string;
	/**
	 * An API key or a Clerk session token. A function is asked before the first request, again after a 401, and again
	 * whenever `follow` resumes. What it throws, the call throws.
	 */
	token: Token;
	/** How long one try may take, in milliseconds. Default 30,000. */
	timeoutMs?: number | undefined;
	/** How often a failed request is sent again at most. Default 5. */
	maxRetries?: number | undefined;
	/** Sends the requests in place of the global `fetch`: for tests, proxies and service bindings. */
	fetch?: Fetch | undefined;
}

/** What every call takes. */
export interface CallOptions {
	/** Ends the call when it aborts. The call then throws the signal's reason. */
	signal?: AbortSignal | undefined;
	/** How long one try may take, in milliseconds. Default: that of the client. */
	timeoutMs?: number | undefined;
	/** How often a failed request is sent again at most. Default: that of the client. */
	maxRetries?: number | undefined;
}

export interface KeyedOptions extends CallOptions {
	/**
	 * Names the write, so that it happens once however often it is sent: 1 to 255 visible ASCII characters. By default the
	 * client makes a key for each call and keeps it over the retries of that call. Give a key of your own when your program
	 * may make the same call again after a crash.
	 */
	idempotencyKey?: string | undefined;
}

export interface ConditionalOptions extends CallOptions {
	/**
	 * Writes only when nobody changed the session since: an ETag, or a session that this client returned. Else the call
	 * throws `PRECONDITION_FAILED`. With it, the client may repeat the write after a lost response.
	 */
	ifMatch?: string | object | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_RETRIES = 5;

export interface Limits {
	timeoutMs: number;
	maxRetries: number;
}

/** The limits of a call: its own, else those of the client, else the defaults. */
export const limitsOf = (client: ClientOptions, call: CallOptions): Limits => ({
	timeoutMs: call.timeoutMs ?? client.timeoutMs ?? DEFAULT_TIMEOUT_MS,
	maxRetries: call.maxRetries ?? client.maxRetries ?? DEFAULT_MAX_RETRIES,
});
