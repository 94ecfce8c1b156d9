import type { Run } from './backlog.ts';
import type { SessionState } from './frames.ts';

/** A message of a hub to the followers of a session. */
export type Notice =
	/** New events with consecutive positions, and their frames. */
	| { kind: 'events'; first: number; last: number; frames: string }
	/** New events up to a position, whose frames are too large for a follower to hold: it reads them from D1. */
	| { kind: 'appended'; last: number }
	/** The session's state. */
	| { kind: 'state'; state: SessionState }
	/** The session's state after a change, and the change. */
	| ({ kind: 'change'; state: SessionState } & Pick<StateChange, 'tail' | 'frames'>)
	/** The result of one follower's look-up in D1, which saves the others theirs. */
	| { kind: 'seen'; seen: Seen }
	| { kind: 'deleted' };

/** A change of a session, as the text of its frame. */
export interface StateChange {
	/** The version that it makes. */
	version: number;
	/** The position of the latest event before the change; 0 without events. */
	tail: number;
	/** Empty when they are too large for a notice: followers read the session from D1. */
	frames: string;
}

/** A session in D1 at one moment. */
export interface Seen {
	state: SessionState;
	/** The position of the latest event; 0 without events. */
	tail: number;
	/** Writers send their events to the hub until this time. ISO 8601. */
	followedUntil: string;
}

/** The result of a look-up in D1: the session and, if requested, the next events. */
export interface LookUp extends Seen {
	events: Run | undefined;
}

/** Stands between the notices of a message. JSON escapes it, so no notice contains it. */
const SEPARATOR = '\u001e';

/** One message with the notices of several messages. */
export const joinMessages = (messages: readonly string[]): string => messages.join(SEPARATOR);

/** Notices as the text of one message. */
export const encodeNotices = (notices: readonly Notice[]): string => joinMessages(notices.map(encodeNotice));

/** Reads the output of `encodeNotices`. Throws for any other text. */
export const decodeNotices = (message: string): Notice[] => message.split(SEPARATOR).map(decodeNotice);

/** A line of JSON, then the raw frames, which are too large to be parsed by each follower. */
function encodeNotice(notice: Notice): string {
	if (!('frames' in notice)) return JSON.stringify(notice);
	const { frames, ...head } = notice;
	return `${JSON.stringify(head)}\n${frames}`;
}

function decodeNotice(text: string): Notice {
	const end = text.indexOf('\n');
	if (end === -1) return JSON.parse(text) as Notice;
	return { ...JSON.parse(text.slice(0, end)), frames: text.slice(end + 1) } as Notice;
}
