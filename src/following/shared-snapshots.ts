import { pause } from '../core/pause.ts';
import type { Snapshot } from './state-frames.ts';

/** The most characters of snapshots that are kept for other followers. One has up to 1.6 million. */
const MAX_KEPT = 8_000_000;
/** How long a follower waits for the read of another one, which may have been cancelled. */
const WAIT_MS = 500;
const FIRST_PAUSE_MS = 2;

/** The latest snapshot of each session, the longest unused first. */
const kept = new Map<string, Snapshot>();
/** When a follower has begun to read a session, in epoch milliseconds. */
const reading = new Map<string, number>();

/**
 * Returns a snapshot of a session that has a version or a later one. Of the followers in an isolate that need it at the same
 * time, one reads it. The others look for its result again and again, because it may be cancelled. Returns undefined when the
 * session has been deleted or has expired. Throws what `read` throws.
 */
export async function sharedSnapshot(
	sessionId: string,
	version: number,
	read: () => Promise<Snapshot | undefined>,
): Promise<Snapshot | undefined> {
	for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
		const known = kept.get(sessionId);
		if (known && known.state.version >= version) return known;
		const now = Date.now();
		if (now >= (reading.get(sessionId) ?? 0) + WAIT_MS) {
			reading.set(sessionId, now);
			break;
		}
		await pause(pauseMs);
	}
	try {
		const snapshot = await read();
		if (snapshot) keep(sessionId, snapshot);
		return snapshot;
	} finally {
		reading.delete(sessionId);
	}
}

/** Keeps a snapshot, and drops the longest unused ones while there are too many. */
function keep(sessionId: string, snapshot: Snapshot): void {
	kept.delete(sessionId);
	kept.set(sessionId, snapshot);
	let size = 0;
	for (const { frames } of kept.values()) size += frames.length;
	for (const [id, { frames }] of kept) {
		if (size <= MAX_KEPT) return;
		kept.delete(id);
		size -= frames.length;
	}
}
