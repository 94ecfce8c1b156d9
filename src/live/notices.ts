import type { SessionState } from './frames.ts';

/** What a hub passes on to the followers of a session. */
export type Notice =
	/** New events with consecutive positions, and their frames. */
	| { kind: 'events'; first: number; last: number; frames: string }
	/** The session's state after a change. */
	| { kind: 'state'; state: SessionState }
	/** What D1 told one follower: the others need not ask. */
	| { kind: 'seen'; seen: Seen }
	| { kind: 'deleted' };

/** A session as D1 had it at one moment. */
export interface Seen {
	state: SessionState;
	/** The position of the latest event; 0 without events. */
	tail: number;
	/** Until when writers hand their events to the hub. ISO 8601. */
	followedUntil: string;
}

/** A notice as text: a line of JSON, then the frames as they are, which are too large to be parsed by each follower. */
export function encodeNotice(notice: Notice): string {
	if (notice.kind !== 'events') return JSON.stringify(notice);
	const { frames, ...head } = notice;
	return `${JSON.stringify(head)}\n${frames}`;
}

/** Reads what `encodeNotice` wrote. Throws when the text is anything else. */
export function decodeNotice(text: string): Notice {
	const end = text.indexOf('\n');
	if (end === -1) return JSON.parse(text) as Notice;
	return { ...JSON.parse(text.slice(0, end)), frames: text.slice(end + 1) } as Notice;
}
