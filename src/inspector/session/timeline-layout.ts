import type { Event } from '../../client/client.ts';

/** A stretch of time, in epoch milliseconds. */
export interface Stretch {
	from: number;
	to: number;
}

/** The events of one stage. */
export interface Lane {
	stage: string | null;
	/** When each of its events happened. */
	times: number[];
	/** The times in which its event was the latest one: what the session did then. */
	stretches: Stretch[];
	/** All of these together, in milliseconds. */
	spentMs: number;
}

export interface Timeline extends Stretch {
	/** In the order in which the stages appeared. */
	lanes: Lane[];
	/** The longest time without an event. */
	longest: (Stretch & { stage: string | null }) | undefined;
}

const times = new WeakMap<Event, number>();

/** When an event happened, in epoch milliseconds. It is asked again and again for thousands of events. */
export function timeOf(event: Event): number {
	let time = times.get(event);
	if (time === undefined) {
		time = Date.parse(event.createdAt);
		times.set(event, time);
	}
	return time;
}

/**
 * Lays events out by stage. Between an event and the next one, the session is in the stage of the first of the two. `end` is
 * when the last of these times ends. Only events from `start` on count.
 */
export function timelineOf(events: readonly Event[], end: number, start = 0): Timeline {
	const lanes = new Map<string | null, Lane>();
	let from = Number.POSITIVE_INFINITY;
	let longest: Timeline['longest'];
	let previous: { lane: Lane; time: number } | undefined;

	function spend(lane: Lane, stretch: Stretch): void {
		const length = stretch.to - stretch.from;
		lane.spentMs += length;
		if (longest === undefined || length > longest.to - longest.from)
			longest = { ...stretch, stage: lane.stage };
		const last = lane.stretches.at(-1);
		if (last?.to === stretch.from) last.to = stretch.to;
		else lane.stretches.push(stretch);
	}

	for (const event of events) {
		const { stage } = event;
		// The clocks of two machines may differ: no stretch has a negative length.
		const time = Math.max(timeOf(event), previous?.time ?? 0);
		if (time < start) continue;
		from = Math.min(from, time);
		const lane = lanes.get(stage) ?? { stage, times: [], stretches: [], spentMs: 0 };
		lanes.set(stage, lane);
		lane.times.push(time);
		if (previous) spend(previous.lane, { from: previous.time, to: time });
		previous = { lane, time };
	}
	const to = Math.max(end, previous?.time ?? 0);
	if (previous && to > previous.time) spend(previous.lane, { from: previous.time, to });
	return { lanes: [...lanes.values()], from: previous ? from : to, to, longest };
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000];
const MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440].map((minutes) => minutes * 60_000);

/** Round times along a stretch, so that at most `most` of them fit, in milliseconds from its beginning. */
export function ticksOf(lengthMs: number, most: number): number[] {
	const days = Math.ceil(lengthMs / most / 86_400_000) * 86_400_000;
	const step = [...STEPS, ...MINUTES].find((step) => lengthMs / step <= most) ?? days;
	return Array.from({ length: Math.floor(lengthMs / step) + 1 }, (_, index) => index * step);
}
