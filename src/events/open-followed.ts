import { isStillAllowed } from '../auth/authenticate.ts';
import { callerKey } from '../core/principal.ts';
import { settingsOf } from '../core/settings.ts';
import type { Followed } from '../following/follower.ts';
import { type Place, takePlace } from '../following/open-streams.ts';
import type { RequestContext } from '../http/context.ts';
import { sessionFrom } from '../http/session-path.ts';
import { cursorOf, followedSession, hasBudget, type SnapshotSource } from './follow.ts';
import type { EventCursor } from './read-store.ts';

/** What to follow. */
interface Wish {
	/** By default the session in the path. */
	sessionId?: string;
	/** The id of the event that the client has, and where it sent it. Undefined for the start of the log. */
	after: Pick<EventCursor, 'id' | 'from'> | undefined;
	hasLiveState: boolean;
	snapshots: SnapshotSource;
	/** Makes the same checks and reads, but takes no place and writes nothing. */
	isReadOnly: boolean;
}

/**
 * Begins to follow a session for the caller of a request: takes one of its places for streams, and reads the session. Throws
 * RATE_LIMITED, SESSION_NOT_FOUND, and VALIDATION_ERROR for a cursor that is not an event of the session.
 */
export async function openFollowed(
	c: RequestContext,
	{ sessionId, after, hasLiveState, snapshots, isReadOnly }: Wish,
): Promise<{ followed: Followed; place: Place | undefined }> {
	const { FOLLOW_HEARTBEAT_SECONDS, FOLLOW_MAX_STATEMENTS, MAX_STREAMS_PER_CALLER } = settingsOf(c.env);
	const { number, reference } = sessionFrom(c, sessionId);
	const cursor = after && cursorOf(after.id, after.from);
	const heartbeatMs = FOLLOW_HEARTBEAT_SECONDS * 1000;
	const caller = callerKey(c.get('principal'));
	const place = isReadOnly ? undefined : takePlace(caller, MAX_STREAMS_PER_CALLER, Date.now());
	try {
		const databases = c.get('databases');
		const opening = {
			first: databases.toOpenStream(number),
			next: () => databases.forStream(number),
		};
		const session = await followedSession(opening, reference, cursor, { heartbeatMs, isReadOnly, snapshots });
		const followed = {
			...session,
			hubs: c.env.HUB,
			hasLiveState,
			heartbeatMs,
			isAllowed: () => isStillAllowed(c, 'PRODUCTS:READ'),
			hasBudget: () => hasBudget(c.get('queryStats'), FOLLOW_MAX_STATEMENTS),
		};
		return { followed, place };
	} catch (error) {
		place?.giveUp();
		throw error;
	}
}
