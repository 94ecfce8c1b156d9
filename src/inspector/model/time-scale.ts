/** A stretch of time, in epoch milliseconds. */
export interface Stretch {
	from: number;
	to: number;
}

/** A part of the axis. A break is a long silence, which takes a fixed width. */
export interface Piece extends Stretch {
	left: number;
	right: number;
	isBreak: boolean;
}

/** An axis of time in pixels, from 0 on. */
export interface TimeScale {
	pieces: readonly Piece[];
	x(time: number): number;
	timeAt(x: number): number;
}

const BREAK_WIDTH = 56;
/** Shorter silences are always drawn as long as they are. */
const MIN_BREAK_MS = 30_000;
const MAX_BREAKS = 6;
/** A silence that is so many times as long as the next shorter one is of another kind. */
const APART = 10;
/** How much of a silence comes before its break, so that the last event is not hidden by it. */
const MOST_BEFORE_BREAK_MS = 5000;

/**
 * Lays a stretch of time out over a width. A silence that is longer than all the rest becomes a break, so that what happened
 * around it stays readable. `times` are those of the events, in order.
 */
export function timeScale(times: readonly number[], { from, to }: Stretch, width: number): TimeScale {
	const breaks = breaksIn(times, { from, to });
	const broken = breaks.reduce((sum, each) => sum + each.to - each.from, 0);
	const breakWidth = Math.min(BREAK_WIDTH, width / 2 / Math.max(1, breaks.length));
	const perMs = (width - breaks.length * breakWidth) / Math.max(1, to - from - broken);
	const pieces: Piece[] = [];
	let [time, left] = [from, 0];
	const add = (end: number, isBreak: boolean) => {
		const right = left + (isBreak ? breakWidth : (end - time) * perMs);
		pieces.push({ from: time, to: end, left, right, isBreak });
		[time, left] = [end, right];
	};
	for (const each of breaks) {
		if (each.from > time) add(each.from, false);
		add(each.to, true);
	}
	if (to > time || pieces.length === 0) add(Math.max(to, time), false);
	return {
		pieces,
		x(at) {
			const piece = pieces.find((each) => at <= each.to) ?? pieces.at(-1);
			if (!piece) return 0;
			const share = (at - piece.from) / Math.max(1, piece.to - piece.from);
			return piece.left + share * (piece.right - piece.left);
		},
		timeAt(x) {
			const piece = pieces.find((each) => x <= each.right) ?? pieces.at(-1);
			if (!piece) return from;
			const share = (x - piece.left) / Math.max(1, piece.right - piece.left);
			return piece.from + share * (piece.to - piece.from);
		},
	};
}

/** The silences that become breaks, in order. */
function breaksIn(times: readonly number[], { from, to }: Stretch): Stretch[] {
	const silences: Stretch[] = [];
	let last = from;
	const look = (time: number) => {
		if (time - last >= MIN_BREAK_MS) silences.push({ from: last, to: time });
		last = Math.max(last, time);
	};
	for (const time of times) {
		if (time > from && time < to) look(time);
	}
	look(to);
	const lengthOf = (each: Stretch) => each.to - each.from;
	silences.sort((a, b) => lengthOf(a) - lengthOf(b));
	let rest = to - from - silences.reduce((sum, each) => sum + lengthOf(each), 0);
	// Pauses that are all alike are how the session works.
	const usual = Math.floor((silences.length - 1) / 2);
	const first = silences.findIndex((each, index) => {
		const shorter = silences[index - 1];
		// A night is no longer than a day of work, and still none of its pauses.
		const isApart =
			shorter && lengthOf(each) > lengthOf(shorter) * APART && lengthOf(each) > (to - from) / 10;
		if (index >= usual && (lengthOf(each) > rest || isApart)) return true;
		rest += lengthOf(each);
		return false;
	});
	if (first === -1) return [];
	return silences
		.slice(first)
		.slice(-MAX_BREAKS)
		.map((each) => ({ from: each.from + Math.min(MOST_BEFORE_BREAK_MS, lengthOf(each) / 10), to: each.to }))
		.sort((a, b) => a.from - b.from);
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000];
const MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440].map((minutes) => minutes * 60_000);
const DAY = 86_400_000;

/** A mark on the axis, and the length of time between two of them. */
export interface Tick {
	time: number;
	stepMs: number;
}

/** Round times along an axis, at least `apart` pixels from each other. */
export function ticksOf({ pieces, x }: TimeScale, apart: number): Tick[] {
	const ticks: Tick[] = [];
	let lastX = Number.NEGATIVE_INFINITY;
	for (const { from, to, left, right, isBreak } of pieces) {
		if (isBreak || right - left < 1) continue;
		const leastMs = ((to - from) / (right - left)) * apart;
		const stepMs = [...STEPS, ...MINUTES].find((each) => each >= leastMs) ?? Math.ceil(leastMs / DAY) * DAY;
		for (let time = Math.ceil(from / stepMs) * stepMs; time <= to; time += stepMs) {
			if (x(time) - lastX < apart) continue;
			ticks.push({ time, stepMs });
			lastX = x(time);
		}
	}
	return ticks;
}
