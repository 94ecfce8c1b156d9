import { openFollowed } from '../events/open-followed.ts';
import type { Event } from '../events/schema.ts';
import { type Follower, follow } from '../following/follower.ts';
import { entityTag } from '../http/conditional.ts';
import type { RequestContext } from '../http/context.ts';
import { checkCaller } from '../http/operation.ts';
import { snapshots } from '../sessions/live-state.ts';

/** The state of a session, as a stream tells it. */
export interface WatchedState {
	etag: string;
	expiresAt: string;
	id: string;
	status: string;
	updatedAt: string;
}

/** What happens in a session. */
export type Happening =
	| { kind: 'event'; event: Event }
	| { kind: 'state'; state: WatchedState }
	| { kind: 'end'; reason: string };

/** A session that is watched. */
export interface Watched {
	/** The state at the beginning. */
	state: WatchedState;
	/** Several things may have happened at once. It ends with the session, and when the limit of statements is reached. */
	happenings: AsyncGenerator<Happening[], void>;
	/** Keeps the place among the caller's streams for some seconds. Until then it is kept for the time that a stream takes to open. */
	keep(seconds: number): void;
}

/**
 * Watches a session as a stream of its events does, with the same checks, limits and cost: after an event, or from now on.
 * Stops when `stop` is aborted, which the caller must do when the time that it keeps is over. Throws FORBIDDEN, SESSION_NOT_FOUND,
 * RATE_LIMITED, and VALIDATION_ERROR for an `after` that is not an event of the session.
 */
export async function watch(
	c: RequestContext,
	sessionId: string,
	{ after, stop }: { after?: string | undefined; stop: AbortSignal },
): Promise<Watched> {
	checkCaller(c.get('principal'), 'PRODUCTS:READ', true);
	const { followed, place } = await openFollowed(c, {
		sessionId,
		after: after === undefined ? undefined : { id: after, from: 'after' },
		hasLiveState: false,
		snapshots,
		isReadOnly: false,
	});
	const { state: begun, tail } = followed.start;
	const follower = follow({ ...followed, position: after === undefined ? tail : followed.position });
	const end = () => {
		place?.giveUp();
		follower.stop('gone');
	};
	if (stop.aborted) end();
	else stop.addEventListener('abort', end);
	const { version, ...state } = begun;
	return {
		state: { ...state, etag: entityTag(version) },
		happenings: happeningsOf(follower),
		keep: (seconds) => place?.keep(seconds * 1000),
	};
}

async function* happeningsOf({ pieces }: Follower): AsyncGenerator<Happening[], void> {
	try {
		for (;;) {
			const { done, value } = await pieces.next();
			if (done) {
				if (value === 'not allowed') yield [{ kind: 'end', reason: value }];
				return;
			}
			const happenings = value.text.split('\n\n').flatMap(happeningOf);
			if (happenings.length > 0) yield happenings;
		}
	} finally {
		await pieces.return('gone');
	}
}

/** Reads a frame of a stream. A comment is nothing that happens. */
function happeningOf(frame: string): Happening[] {
	const line = (name: string) =>
		frame
			.split('\n')
			.find((each) => each.startsWith(name))
			?.slice(name.length);
	const data = line('data: ');
	if (data === undefined) return [];
	switch (line('event: ')) {
		case 'event':
			return [{ kind: 'event', event: JSON.parse(data) }];
		case 'session':
			return [{ kind: 'state', state: JSON.parse(data) }];
		default:
			return [{ kind: 'end', ...JSON.parse(data) }];
	}
}
