import type { Attempt, Logger } from './report.ts';
import type { Query } from './url.ts';

/** An API key or a Clerk session token, or a function that returns one. */
export type Token = string | (() => string | Promise<string>);

/** What the client passes to `fetch`. */
export interface FetchInit {
	method: string;
	headers: Record<string, string>;
	body: string | null;
	signal: AbortSignal;
	redirect: 'manual';
}

/** The part of a response that the client uses. */
export interface FetchResponse {
	readonly status: number;
	readonly redirected: boolean;
	readonly type: string;
	readonly headers: { get(name: string): string | null };
	readonly body: {
		getReader(): {
			read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
			cancel(reason?: unknown): Promise<void>;
		};
		cancel(reason?: unknown): Promise<void>;
	} | null;
	text(): Promise<string>;
}

/** The part of `fetch` that the client uses. The global `fetch`, that of a service binding and that of undici fit. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>;

/** Headers of requests by their names. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>;

export interface ClientOptions {
	/** The URL of the service, without the path of the calls: `https://sessions.example.com`. */
	baseUrl: string;
	/**
	 * An API key or a Clerk session token. A function is called before the first request, again after a 401, and
	 * whenever a stream is resumed. The call rethrows its errors.
	 */
	token: Token;
	/** The timeout of one attempt in milliseconds. Default 30,000. */
	timeoutMs?: number | undefined;
	/** The maximum number of retries. Default 5. */
	maxRetries?: number | undefined;
	/** Replaces the global `fetch`, for tests, proxies and service bindings. */
	fetch?: Fetch | undefined;
	/** Headers of every request, such as those that a gateway in front of the service needs. */
	headers?: RequestHeaders | undefined;
	/** Gets a line for each attempt: `debug` for one that succeeded, `warn` for one that failed. `console` fits. */
	logger?: Logger | undefined;
	/** Called after each attempt of a call, and after each opening of a stream. */
	onAttempt?: ((attempt: Attempt) => void) | undefined;
}

/** The options of every call. */
export interface CallOptions {
	/** Ends the call when it aborts. The call then throws the signal's reason. */
	signal?: AbortSignal | undefined;
	/** The timeout of one attempt in milliseconds. Default: that of the client. */
	timeoutMs?: number | undefined;
	/** The maximum number of retries. Default: that of the client. */
	maxRetries?: number | undefined;
	/** Headers of this call. They take precedence over those of the client. */
	headers?: RequestHeaders | undefined;
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

/** The methods of `Client.request`. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface RequestOptions extends KeyedOptions, ConditionalOptions {
	/** The query of the URL. */
	query?: Query | undefined;
	/** The value of the JSON body. */
	body?: unknown;
	/** The JSON body as it is to be sent, in place of `body`: its numbers keep all of their digits. */
	bodyText?: string | undefined;
	/** The media type of the body. Default `application/json`. */
	contentType?: string | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_RETRIES = 5;
/** Timers count in 32 bits. A longer one would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export interface Limits {
	timeoutMs: number;
	maxRetries: number;
}

/**
 * The limits of a call: its own options, otherwise those of the client, otherwise the defaults. Throws a TypeError for a
 * limit that is not one.
 */
export function limitsOf(client: Partial<ClientOptions>, call: CallOptions = {}): Limits {
	const timeoutMs = call.timeoutMs ?? client.timeoutMs ?? DEFAULT_TIMEOUT_MS;
	const maxRetries = call.maxRetries ?? client.maxRetries ?? DEFAULT_MAX_RETRIES;
	if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
		throw new TypeError(`timeoutMs must be more than 0 and at most ${MAX_TIMEOUT_MS}.`);
	}
	if (!isCount(maxRetries)) {
		throw new TypeError('maxRetries must be a whole number from 0 on, or Infinity.');
	}
	return { timeoutMs, maxRetries };
}

/** Whether a value is a whole number from 0 on, or Infinity. */
export const isCount = (value: unknown): boolean =>
	value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && (value as number) >= 0);

/** Throws a TypeError for a key that cannot be sent. */
export function checkedKey(key: string): string {
	if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
		throw new TypeError('The idempotencyKey must have 1 to 255 visible ASCII characters.');
	}
	return key;
}
