import type { Seen } from '../model/seen.ts';
import { type Lane, type Stages, spentOf } from '../model/stages.ts';
import type { Stretch } from '../model/time-scale.ts';
import { exactLengthOf } from '../time.ts';
import { visible } from '../visible.ts';
import type { Row } from './lane-row.tsx';

export const ORDERS = ['As they start', 'Longest first', 'Latest first'] as const;

/** The stages that were at work in a stretch of time, in an order. */
export function rowsOf({ lanes }: Stages, { from, to }: Stretch, order: number, now: number): Row[] {
	const rows = lanes
		.map((lane, hue) => ({ lane, hue }))
		.filter(
			({ lane }) =>
				lane.spans.some((span) => span.from <= to && (span.to ?? now) >= from) ||
				(lane.spans.length === 0 && lane.events.some(({ time }) => time >= from && time <= to)),
		);
	if (order === 1) rows.sort((a, b) => spentOf(b.lane, now) - spentOf(a.lane, now));
	const last = ({ events }: Lane) => events.at(-1)?.position ?? 0;
	if (order === 2) rows.sort((a, b) => last(b.lane) - last(a.lane));
	return rows;
}

const MAX_DESCRIBED = 60;
/** The rows in words, for those who do not see them. */
export const descriptionOf = (rows: readonly Row[], now: number): string =>
	rows
		.slice(0, MAX_DESCRIBED)
		.map(
			({ lane }) =>
				`${visible(lane.stage)}: ${lane.events.length} events${lane.spans.length > 0 ? `, ${exactLengthOf(spentOf(lane, now))}` : ''}${lane.spans.at(-1)?.outcome === 'failed' ? ', failed' : ''}`,
		)
		.join('; ');

/** The event nearest to a time, among events in order. */
export function nearestOf(events: readonly Seen[], time: number): Seen | undefined {
	let [low, high] = [0, events.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((events[middle]?.time ?? 0) < time) low = middle + 1;
		else high = middle;
	}
	const [before, after] = [events[low - 1], events[low]];
	if (!before || !after) return before ?? after;
	return time - before.time <= after.time - time ? before : after;
}
