import type { ServerEvent, ServerEventBus } from '@modelcontextprotocol/server';
import { validationError } from '../core/errors.ts';
import { pause } from '../core/pause.ts';
import { settingsOf } from '../core/settings.ts';
import { streamEndLog } from '../following/response.ts';
import type { RequestContext } from '../http/context.ts';
import { resourceOf } from './resources.ts';
import { type Happening, type Watched, watch } from './watch.ts';

/** Each takes one of the caller's places for streams. */
const MAX_SESSIONS = 10;
/** Changes within this time share a notice. A client reads the resource after each. */
const PAUSE_MS = 250;

/** The subscriptions of one request to resources. */
export interface Subscriptions {
	/** Where the protocol's library gets its events from. It subscribes once. */
	bus: ServerEventBus;
	/** Stops watching unless the library has subscribed: it rejects some requests. */
	endIfUnused(): void;
}

/** A session whose resources somebody has subscribed to. */
interface Subscribed {
	uris: readonly string[];
	watched: Watched;
}

/**
 * Prepares to watch the sessions of these resources. Calls `close` when nothing more can come. Throws VALIDATION_ERROR,
 * SESSION_NOT_FOUND, FORBIDDEN, RATE_LIMITED.
 */
export async function subscriptionsTo(
	c: RequestContext,
	uris: readonly string[],
	close: () => void,
): Promise<Subscriptions> {
	const { FOLLOW_MAX_SECONDS } = settingsOf(c.env);
	const stop = new AbortController();
	const end = () => stop.abort('gone');
	let isUsed = false;
	const sessions = await watchAll(c, uris, { stop: stop.signal }).catch((error: unknown) => {
		end();
		throw error;
	});

	async function run(notify: (event: ServerEvent) => void): Promise<void> {
		const logEnd = streamEndLog(c);
		const { promise, resolve } = Promise.withResolvers<void>();
		c.set('streamEnd', promise);
		const timer = setTimeout(() => stop.abort('time'), FOLLOW_MAX_SECONDS * 1000);
		for (const { watched } of sessions) watched.keep(FOLLOW_MAX_SECONDS);
		try {
			const counts = await Promise.all(sessions.map((session) => tell(session, notify)));
			logEnd({
				reason: stop.signal.reason ?? 'deleted',
				events: counts.reduce((sum, count) => sum + count, 0),
			});
		} catch (error) {
			logEnd({ reason: 'fault', events: 0, error });
		} finally {
			clearTimeout(timer);
			end();
			resolve();
			close();
		}
	}

	return {
		bus: {
			publish: () => {},
			subscribe(listener) {
				isUsed = true;
				if (sessions.length > 0) void run(listener);
				return end;
			},
		},
		endIfUnused() {
			if (!isUsed) end();
		},
	};
}

async function watchAll(
	c: RequestContext,
	uris: readonly string[],
	options: Parameters<typeof watch>[2],
): Promise<Subscribed[]> {
	// Each URI gets a notice of its own, so each counts once.
	const bySession = Map.groupBy(new Set(uris), (uri) => {
		const resource = resourceOf(uri);
		return resource && resource.after === undefined ? resource.sessionId : '';
	});
	if (bySession.has('')) throw refused('must be resources of this server');
	if (bySession.size > MAX_SESSIONS) throw refused(`must be of at most ${MAX_SESSIONS} sessions`);
	return Promise.all(
		Array.from(bySession, async ([sessionId, uris]) => ({
			uris,
			watched: await watch(c, sessionId, options),
		})),
	);
}

const refused = (message: string) =>
	validationError([
		{
			path: 'notifications.resourceSubscriptions',
			message,
			code: 'INVALID_FORMAT',
			suggestion: 'Use session://{id} or session://{id}/events.',
		},
	]);

/** Tells of what happens in one session, until it ends. Returns the number of its events. */
async function tell({ uris, watched }: Subscribed, notify: (event: ServerEvent) => void): Promise<number> {
	let events = 0;
	let { etag } = watched.state;
	/** The first state of a stream is the one at its beginning. */
	const isNews = (happening: Happening): boolean => {
		if (happening.kind !== 'state') return true;
		const isNew = happening.state.etag !== etag;
		etag = happening.state.etag;
		return isNew;
	};
	for await (const happenings of watched.happenings) {
		const kinds = happenings.filter(isNews).map(({ kind }) => kind);
		events += kinds.filter((kind) => kind === 'event').length;
		for (const uri of uris) {
			const wanted = resourceOf(uri)?.kind === 'events' ? 'event' : 'state';
			if (kinds.includes(wanted) || kinds.includes('end')) notify({ kind: 'resource_updated', uri });
		}
		await pause(PAUSE_MS);
	}
	return events;
}
