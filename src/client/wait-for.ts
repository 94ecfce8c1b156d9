import { onAbort } from './abort.ts';
import type { Client } from './api.ts';
import { ApiError } from './error.ts';
import { withEtag } from './etag.ts';
import { type CallOptions, limitsOf } from './options.ts';
import type { Types } from './typed.ts';
import type { Session, SessionStatus } from './types.ts';
import { sessionStatuses } from './values.ts';

export interface WaitOptions extends CallOptions {
	/** How long to wait in all, in milliseconds. Default: until the session ends. */
	timeoutMs?: number | undefined;
}

/** What a session is waited for. */
export type Wanted<T extends Types> =
	| readonly SessionStatus[]
	| ((session: Session<T>) => boolean | Promise<boolean>);

/**
 * See `Client.waitFor`. It reads the session once. If it has to wait, it watches from the newest event of that response on, so
 * that the log is not sent again.
 */
export async function waitFor<T extends Types>(
	client: Client<T>,
	id: string,
	wanted: Wanted<T>,
	{ timeoutMs, signal, ...options }: WaitOptions,
): Promise<Session<T>> {
	const isReached = reachedBy(wanted);
	limitsOf({}, { timeoutMs });
	const leaving = new AbortController();
	const forget = onAbort(signal, () => leaving.abort(signal?.reason));
	const timer =
		timeoutMs &&
		setTimeout(() => leaving.abort(failure(0, 'TIMEOUT', `is not there after ${timeoutMs} ms`)), timeoutMs);
	const calling = { ...options, signal: leaving.signal };
	try {
		const { data, etag } = await client.get(id, calling).withResponse();
		const { events, ...session } = data;
		if (await isReached(withEtag(session, etag))) return session;
		let why = 'deleted';
		for await (const item of client.watch(id, { ...calling, after: events.at(-1)?.id })) {
			if (item.ended) why = item.ended;
			else if (item.changed.length > 0 && (await isReached(item.session))) return item.session;
		}
		throw failure(404, 'SESSION_NOT_FOUND', `was not reached before the session was ${why}`);
	} finally {
		clearTimeout(timer);
		forget();
	}
}

/** Throws a TypeError for what no session can reach. */
function reachedBy<T extends Types>(wanted: Wanted<T>): (session: Session<T>) => boolean | Promise<boolean> {
	if (typeof wanted === 'function') return wanted;
	const areStatuses =
		Array.isArray(wanted) && wanted.length > 0 && wanted.every((status) => sessionStatuses.includes(status));
	if (areStatuses) return ({ status }) => wanted.includes(status);
	throw new TypeError(`Pass a function, or a list with at least one of ${sessionStatuses.join(', ')}.`);
}

const failure = (status: number, code: 'TIMEOUT' | 'SESSION_NOT_FOUND', what: string): ApiError =>
	new ApiError(`What the session was waited for ${what}.`, { status, code });
