import { MAX_PIECE } from './pieces.ts';

/** Events with consecutive positions, as the text of their frames. */
export interface Run {
	first: number;
	last: number;
	frames: string;
}

/** Characters that a backlog holds. A string takes up to two bytes for each character. */
export const MAX_WAITING = 128 * 1024;

/** Events from the hub that have not been sent yet. */
interface Backlog {
	/** Keeps a run if there is room for it, and otherwise only its position. */
	add(run: Run): void;
	/** Takes the events right after a position, if they are present. */
	takeAfter(position: number): Run | undefined;
	/** Removes the runs that start at or before a position. */
	dropThrough(position: number): void;
	/** The highest position that a notice has named. */
	highest(): number;
	/** Records that an event exists at a position. */
	note(position: number): void;
}

/**
 * Writers reach the hub in any order, so runs are stored by position. The follower reads those that do not fit from D1.
 */
export function newBacklog(): Backlog {
	const waiting = new Map<number, Run>();
	let size = 0;
	let highest = 0;

	function remove(run: Run): void {
		waiting.delete(run.first);
		size -= run.frames.length;
	}

	return {
		add(run) {
			highest = Math.max(highest, run.last);
			if (waiting.has(run.first) || size + run.frames.length > MAX_WAITING) return;
			waiting.set(run.first, run);
			size += run.frames.length;
		},
		takeAfter(position) {
			let taken: Run | undefined;
			for (
				let next = waiting.get(position + 1);
				next && (!taken || taken.frames.length + next.frames.length <= MAX_PIECE);
				next = waiting.get(next.last + 1)
			) {
				remove(next);
				taken = taken ? { first: taken.first, last: next.last, frames: taken.frames + next.frames } : next;
			}
			return taken;
		},
		dropThrough(position) {
			for (const run of waiting.values()) if (run.first <= position) remove(run);
		},
		highest: () => highest,
		note(position) {
			highest = Math.max(highest, position);
		},
	};
}
