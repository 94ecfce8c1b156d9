import type { Database, QueryStats } from '../core/database.ts';
import type { SessionReference } from '../core/session-reference.ts';
import { MAX_TRIES } from '../database/database.ts';
import { MAX_WAITING, type Run } from '../following/backlog.ts';
import type { Followed } from '../following/follower.ts';
import { eventFrame, type SessionState } from '../following/frames.ts';
import { followedMs } from '../following/look-ups.ts';
import type { Notice, Seen } from '../following/notices.ts';
import type { Snapshot } from '../following/state-frames.ts';
import {
	beginFollowing,
	type FollowedRow,
	lookUpFollowed,
	type Renewal,
	type StateRow,
} from './follow-store.ts';
import { eventJson } from './json.ts';
import { type EventCursor, unknownCursor } from './read-store.ts';
import type { EventRow } from './row-store.ts';
import { EVENT_ID } from './schema.ts';

/** Reads the id of an event that the caller sent. Throws VALIDATION_ERROR when it does not have the form of one. */
export function cursorOf(id: string, from: EventCursor['from']): EventCursor {
	const [, position] = EVENT_ID.exec(id) ?? [];
	if (position === undefined) throw unknownCursor(from);
	return { id, position: Number(position), from };
}

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

/**
 * The notice about new events with consecutive positions. Undefined without events. It has at most as many frames as a follower
 * can hold, because the hub sends it to each of them.
 */
export function newEvents(events: readonly EventRow[]): Notice | undefined {
	const run = runOf(events);
	if (run && run.frames.length > MAX_WAITING) return { kind: 'appended', last: run.last };
	return run && { kind: 'events', ...run };
}

/** The maximum number of statements in one round of a stream: a look-up and the check of a key, with their retries. */
const ROUND_COST = 4 * MAX_TRIES.write;

/** Whether a stream may send the statements of one more round. `max` is the limit of its request. */
export const hasBudget = ({ statements }: QueryStats, max: number): boolean => statements + ROUND_COST <= max;

/** Where a stream gets the whole session from. */
export interface SnapshotSource {
	/** Reads a session. Returns undefined when it has been deleted or has expired. */
	read(db: Database, reference: SessionReference): Promise<Snapshot | undefined>;
	/** The frames in the OpenAPI document, by name. */
	examples: Readonly<Record<string, string>>;
}

/**
 * Begins to follow a session, and returns the part of a stream that reads D1. The `first` database begins, and each look-up opens the `next` one, because
 * a replica may respond to the later queries of one D1 session. Throws SESSION_NOT_FOUND, and VALIDATION_ERROR for a cursor
 * that is not an event of the session. `isReadOnly` makes the same checks and reads, but writes nothing.
 */
export async function followedSession(
	{ first, next }: { first: Database; next: () => Database },
	reference: SessionReference,
	cursor: EventCursor | undefined,
	{
		heartbeatMs,
		isReadOnly,
		snapshots,
	}: { heartbeatMs: number; isReadOnly: boolean; snapshots: SnapshotSource },
): Promise<Pick<Followed, 'start' | 'position' | 'lookUp' | 'readSnapshot'>> {
	const renewal = (): Renewal => {
		const now = Date.now();
		const ahead = followedMs(heartbeatMs);
		return {
			until: new Date(now + ahead).toISOString(),
			unlessPast: new Date(now + ahead / 2).toISOString(),
		};
	};
	const current = (): SessionReference => ({ ...reference, now: new Date().toISOString() });
	const begun = await beginFollowing(first, reference, cursor, isReadOnly ? undefined : renewal());
	return {
		start: seenIn(begun),
		position: cursor?.position ?? 0,
		async lookUp({ eventsAfter, renew }) {
			const found = await lookUpFollowed(next(), current(), {
				after: eventsAfter,
				renewal: renew ? renewal() : undefined,
			});
			if (!found) return undefined;
			return { ...seenIn(found.session), events: runOf(found.events) };
		},
		readSnapshot: () => snapshots.read(next(), current()),
	};
}
