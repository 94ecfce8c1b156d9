import { MAX_WAITING } from './backlog.ts';
import { type SessionState, stateFrame } from './frames.ts';
import type { StateChange } from './notices.ts';
import { MAX_PIECE } from './pieces.ts';

/** A session as it was read, as the text of its frame. */
export interface Snapshot {
	state: SessionState;
	/** The position of its latest event; 0 without events. */
	tail: number;
	frames: string;
}

/** How a follower tells its client the state of the session. */
export interface StateFrames {
	/** Keeps a change, if there is room for it. */
	addChange(change: StateChange): void;
	addSnapshot(snapshot: Snapshot): void;
	/** Takes the next frames for a client that has the events up to a position, if there is something new. */
	take(newest: SessionState, position: number): string | undefined;
	/** When a snapshot must be read, in epoch milliseconds; Infinity when none is needed. */
	snapshotDueAt(newest: SessionState, now: number): number;
}

/** How long a change may be missing before the follower reads the session. Writers reach the hub in any order. */
const GAP_MS = 300;

/** Tells the state by `session` frames: the latest one, each version once. */
export function newSummaries(): StateFrames {
	let sent = 0;
	return {
		addChange() {},
		addSnapshot() {},
		take(newest) {
			if (newest.version <= sent) return undefined;
			sent = newest.version;
			return stateFrame(newest);
		},
		snapshotDueAt: () => Number.POSITIVE_INFINITY,
	};
}

/**
 * Tells the whole session: by a snapshot, then by each change. Every change makes the next version, so a missing one shows,
 * and the follower then reads a new snapshot. The same happens when more changes wait than it holds, because its client reads
 * slowly. A frame waits for the events that were appended before its change.
 */
export function newLiveState(): StateFrames {
	/** By version. */
	const waiting = new Map<number, StateChange>();
	let size = 0;
	/** The version that the client has; 0 without one. */
	let sent = 0;
	/** The latest version for which the client needs a snapshot. */
	let untold = 0;
	let snapshot: Snapshot | undefined;
	let gapSince: number | undefined;

	function remove(change: StateChange): void {
		waiting.delete(change.version);
		size -= change.frames.length;
	}

	function dropThrough(version: number): void {
		for (const change of waiting.values()) if (change.version <= version) remove(change);
	}

	function takeChanges(position: number): string {
		let frames = '';
		for (;;) {
			const next = waiting.get(sent + 1);
			if (!next || next.tail > position) return frames;
			if (frames !== '' && frames.length + next.frames.length > MAX_PIECE) return frames;
			frames += next.frames;
			sent = next.version;
			remove(next);
		}
	}

	return {
		addChange(change) {
			const { version, frames } = change;
			if (version <= sent || waiting.has(version)) return;
			if (frames === '' || size + frames.length > MAX_WAITING) {
				dropThrough(version);
				untold = Math.max(untold, version);
			} else {
				waiting.set(version, change);
				size += frames.length;
			}
		},
		addSnapshot(read) {
			snapshot = read;
		},
		take(_, position) {
			const changes = sent === 0 ? '' : takeChanges(position);
			if (changes !== '') return changes;
			if (snapshot && snapshot.state.version <= sent) snapshot = undefined;
			if (!snapshot || snapshot.tail > position) return undefined;
			const { state, frames } = snapshot;
			sent = state.version;
			snapshot = undefined;
			dropThrough(sent);
			return frames;
		},
		snapshotDueAt({ version }, now) {
			const isTold = version <= sent || snapshot !== undefined;
			if (isTold || (sent > 0 && waiting.has(sent + 1))) {
				gapSince = undefined;
				return Number.POSITIVE_INFINITY;
			}
			gapSince ??= now;
			return sent === 0 || untold > sent ? now : gapSince + GAP_MS;
		},
	};
}
