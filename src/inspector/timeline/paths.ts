import type { Lane, Span } from '../model/stages.ts';
import type { TimeScale } from '../model/time-scale.ts';

export const ROW = 22;
const TOP = 5;
const HEIGHT = 12;
/** Events that are at most so many pixels apart make one piece of a bar. */
const CLOSE = 14;

const round = (value: number): number => Math.round(value * 10) / 10;

const rectangle = (left: number, right: number): string =>
	`M${round(left)} ${TOP}h${round(Math.max(1.5, right - left))}v${HEIGHT}h${-round(Math.max(1.5, right - left))}z`;

/** A span from its beginning to its end. */
export const barOf = ({ from, to }: Span, { x }: TimeScale, now: number): string =>
	rectangle(x(from), x(to ?? now));

/** The parts of a stage's spans in which its events follow closely on each other. The rest is a gap. */
export function activityOf({ events, spans }: Lane, { x }: TimeScale, left: number, right: number): string {
	let path = '';
	let at = 0;
	for (const { from, to = Number.POSITIVE_INFINITY } of spans) {
		let [start, end] = [Number.NaN, Number.NaN];
		for (; at < events.length; at += 1) {
			const time = events[at]?.time ?? 0;
			if (time > to) break;
			if (time < from) continue;
			const place = x(time);
			if (place < left - CLOSE || place > right + CLOSE) continue;
			if (place - end <= CLOSE) end = place;
			else {
				if (end > start) path += rectangle(start, end);
				[start, end] = [place, place];
			}
		}
		if (end > start) path += rectangle(start, end);
	}
	return path;
}

/** One path for all events, with one mark for each pixel at most: ten thousand draw as fast as ten. */
export function marksOf({ events }: Lane, { x }: TimeScale, left: number, right: number): string {
	let path = '';
	let last = Number.NEGATIVE_INFINITY;
	for (const { time } of events) {
		const place = Math.round(x(time));
		if (place === last || place < left || place > right) continue;
		path += `M${place} ${TOP - 2}v${HEIGHT + 4}`;
		last = place;
	}
	return path;
}

/** Where failures are, each at least a few pixels from the one before. */
export function failuresOf({ events }: Lane, { x }: TimeScale): number[] {
	const places: number[] = [];
	for (const { failure, time } of events) {
		if (failure === undefined) continue;
		const place = Math.round(x(time));
		if (place - (places.at(-1) ?? -100) >= 7) places.push(place);
	}
	return places;
}
