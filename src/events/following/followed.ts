import type { Database } from '../../core/database.ts';
import { validationError } from '../../core/errors.ts';
import { type SessionReference, sessionNotFound } from '../../core/session-reference.ts';
import type { Run } from '../../live/backlog.ts';
import { type Followed, followedMs } from '../../live/follower.ts';
import { eventFrame, type SessionState } from '../../live/frames.ts';
import type { Notice, Seen } from '../../live/notices.ts';
import { eventJson } from '../json.ts';
import { EVENT_ID } from '../schema.ts';
import type { EventRow } from '../store.ts';
import { beginFollowing, type FollowedRow, lookUpFollowed, type Renewal, type StateRow } from './store.ts';

/** The event after which a stream begins, and the header or query parameter in which the client named it. */
export interface Cursor {
	id: string;
	from: 'Last-Event-ID' | 'after';
}

/** The position of the event with an id of the right form. */
export const positionOf = (id: string): number => Number(EVENT_ID.exec(id)?.[1]);

/** The error for a cursor that is not an event of the session. `path` is the header or the query parameter. */
export const unknownCursor = (path: Cursor['from']) =>
	validationError([
		{
			path,
			message: 'does not match an event in this session',
			code: 'UNKNOWN_EVENT',
			suggestion: 'Use the id of an event of this session, or leave it out to start with the first event.',
		},
	]);

/** The part of a session's state that its followers get. */
export const stateOf = (row: StateRow): SessionState => ({
	id: row.id,
	status: row.status,
	version: row.version,
	expiresAt: row.expires_at,
	updatedAt: row.updated_at,
});

const seenIn = (row: FollowedRow): Seen => ({
	state: stateOf(row),
	tail: row.tail,
	followedUntil: row.followed_until ?? '',
});

/** The frames of events with consecutive positions. Undefined without events. */
function runOf(events: readonly EventRow[]): Run | undefined {
	const first = events[0]?.position;
	const last = events.at(-1)?.position;
	if (first === undefined || last === undefined) return undefined;
	return { first, last, frames: events.map((event) => eventFrame(event.id, eventJson(event))).join('') };
}

/** The notice about new events with consecutive positions. Undefined without events. */
export function newEvents(events: readonly EventRow[]): Notice | undefined {
	const run = runOf(events);
	return run && { kind: 'events', ...run };
}

/**
 * Begins to follow a session, and returns the part of a stream that reads D1. Each look-up opens the database anew, because
 * a replica may respond to the later queries of one D1 session. Throws SESSION_NOT_FOUND, and VALIDATION_ERROR for a cursor
 * that is not an event of the session. `isReadOnly` makes the same checks and reads, but writes nothing.
 */
export async function followedSession(
	openDatabase: () => Database,
	reference: SessionReference,
	cursor: Cursor | undefined,
	{ heartbeatMs, isReadOnly }: { heartbeatMs: number; isReadOnly: boolean },
): Promise<Pick<Followed, 'start' | 'position' | 'lookUp'>> {
	const renewal = (): Renewal => {
		const now = Date.now();
		const ahead = followedMs(heartbeatMs);
		return {
			until: new Date(now + ahead).toISOString(),
			unlessPast: new Date(now + ahead / 2).toISOString(),
		};
	};
	const after = cursor && { id: cursor.id, position: positionOf(cursor.id) };
	if (cursor && Number.isNaN(after?.position)) throw unknownCursor(cursor.from);
	const begun = await beginFollowing(openDatabase(), reference, after, isReadOnly ? undefined : renewal());
	if (!begun.session) throw sessionNotFound();
	if (cursor && !begun.cursor) throw unknownCursor(cursor.from);
	return {
		start: seenIn(begun.session),
		position: after?.position ?? 0,
		async lookUp({ eventsAfter, renew }) {
			const found = await lookUpFollowed(
				openDatabase(),
				{ ...reference, now: new Date().toISOString() },
				{ after: eventsAfter, renewal: renew ? renewal() : undefined },
			);
			if (!found) return undefined;
			return { ...seenIn(found.session), events: runOf(found.events) };
		},
	};
}
