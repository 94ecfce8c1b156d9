import type { Context } from 'hono';
import { errorFields, log } from '../core/log.ts';
import { settingsOf } from '../core/settings.ts';
import type { AppEnv } from '../http/context.ts';
import { type Followed, type Follower, follow } from './follower.ts';
import { EVENT_STREAM } from './frames.ts';
import { publish } from './hub-connection.ts';
import type { Notice } from './notices.ts';
import type { Place } from './open-streams.ts';
import type { Reason } from './progress.ts';

const HEADERS = {
	'Content-Type': EVENT_STREAM,
	// A proxy that compresses or rewrites a stream delays its frames.
	'Cache-Control': 'no-store, no-transform',
	// nginx, and proxies that follow it, would collect the frames.
	'X-Accel-Buffering': 'no',
};

/**
 * Returns the stream of a followed session. It makes a frame only when the client has read the earlier ones, so the client
 * sets the pace. It writes one line to the log when the stream ends, and gives up its place among the caller's streams. HEAD
 * gets the headers and opens no stream.
 */
export function followResponse(c: Context<AppEnv>, followed: Followed, place: Place | undefined): Response {
	if (c.req.method === 'HEAD') return new Response(null, { headers: HEADERS });
	const { FOLLOW_MAX_SECONDS } = settingsOf(c.env);
	const follower = follow(followed);
	const logEnd = streamEndLog(c);
	place?.keep(FOLLOW_MAX_SECONDS * 1000);
	const { promise: streamEnd, resolve: end } = Promise.withResolvers<void>();
	c.set('streamEnd', streamEnd);
	const stream = streamOf(follower, FOLLOW_MAX_SECONDS * 1000, (ending) => {
		place?.giveUp();
		end();
		logEnd(ending);
	});
	return new Response(stream, { headers: HEADERS });
}

/**
 * Returns a function that writes the line to the log when a stream ends, with what it has cost since now: its request has a
 * line of its own.
 */
export function streamEndLog(c: Context<AppEnv>): (ending: Ending) => void {
	const started = Date.now();
	const stats = c.get('queryStats');
	const { roundTrips, rowsRead, rowsWritten } = stats;
	return ({ reason, events, error }) =>
		log(error === undefined ? 'info' : 'error', {
			message: 'stream ended',
			requestId: c.get('requestId'),
			reason,
			durationMs: Date.now() - started,
			events,
			d1Trips: stats.roundTrips - roundTrips,
			d1RowsRead: stats.rowsRead - rowsRead,
			d1RowsWritten: stats.rowsWritten - rowsWritten,
			...(error === undefined ? {} : errorFields(error)),
		});
}

/** Whether a session may have followers, which must be told of a write. `followedUntil` is the stored column. */
export const isFollowed = (followedUntil: string | null): boolean =>
	followedUntil !== null && followedUntil > new Date().toISOString();

/**
 * Tells the followers of a session about a write, after the response, by its hub. Nothing is sent again when that fails: the
 * followers read the write in D1, when the next event shows them a gap or at their next look-up, a heartbeat later at most.
 */
export function tellFollowers(
	c: Context<AppEnv>,
	sessionId: string,
	...notices: (Notice | undefined)[]
): void {
	const known = notices.filter((notice) => notice !== undefined);
	if (known.length > 0) c.executionCtx.waitUntil(publish(c.env.HUB, sessionId, known));
}

const encoder = new TextEncoder();

interface Ending {
	reason: Reason;
	/** The number of events that were sent. */
	events: number;
	error?: unknown;
}

/** The frames of a follower as a stream of bytes. `onEnd` is called once, whichever side ends the stream. */
function streamOf(
	follower: Follower,
	maxMs: number,
	onEnd: (ending: Ending) => void,
): ReadableStream<Uint8Array> {
	let events = 0;
	let hasEnded = false;

	function ended(reason: Reason, error?: unknown): void {
		if (hasEnded) return;
		hasEnded = true;
		clearTimeout(timer);
		follower.stop(reason);
		onEnd({ reason, events, error });
	}

	let timer: ReturnType<typeof setTimeout> | undefined;
	return new ReadableStream<Uint8Array>(
		{
			start(controller) {
				// This ends a stream in time even if its client reads nothing.
				timer = setTimeout(() => {
					ended('time');
					controller.close();
				}, maxMs);
			},
			async pull(controller) {
				try {
					const { done, value } = await follower.pieces.next();
					if (hasEnded) return;
					if (done) {
						ended(value);
						controller.close();
						return;
					}
					events += value.events;
					controller.enqueue(encoder.encode(value.text));
				} catch (error) {
					// This is a bug. The client resumes, and `ended` logs the error in full.
					ended('fault', error);
					controller.close();
				}
			},
			async cancel() {
				ended('gone');
				await follower.pieces.return('gone');
			},
		},
		{ highWaterMark: 0 },
	);
}
