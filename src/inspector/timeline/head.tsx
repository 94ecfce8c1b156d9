import type { Look } from '../address.ts';
import type { Stretch } from '../model/time-scale.ts';
import { ORDERS } from './rows.ts';

export type Range = Look['range'];

const RANGES = [
	['All', undefined],
	['Last hour', 3_600_000],
	['Last 10 min', 600_000],
	['Last minute', 60_000],
] as const;

/** The time that is shown: all of it, the last part, or what somebody has dragged over. */
export function stretchOf(range: Range, first: number, end: number): Stretch {
	if (range === undefined) return { from: first, to: Math.max(end, first + 1) };
	return 'last' in range ? { from: end - range.last, to: end } : range;
}

/** Above the lanes: which part of the time they show, in which order they are, and how long all took. */
export function TimelineHead({
	range,
	onRange,
	onOrder,
	hint,
}: {
	range: Range;
	onRange: (range: Range) => void;
	/** Gets the place of an order among ORDERS. */
	onOrder: ((order: number) => void) | undefined;
	hint: string;
}) {
	return (
		<div class="card-head">
			<h2 id="timeline-title">Timeline</h2>
			<select
				aria-label="Time range"
				value={
					range === undefined
						? 'All'
						: (RANGES.find(([, last]) => 'last' in range && last === range.last)?.[0] ?? 'Zoomed')
				}
				onChange={({ currentTarget }) => {
					const last = RANGES.find(([name]) => name === currentTarget.value)?.[1];
					onRange(last === undefined ? undefined : { last });
				}}
			>
				{RANGES.map(([name]) => (
					<option key={name}>{name}</option>
				))}
				{range !== undefined && 'from' in range && <option>Zoomed</option>}
			</select>
			{range !== undefined && (
				<button type="button" class="quiet" onClick={() => onRange(undefined)}>
					Show all
				</button>
			)}
			{onOrder && (
				<select
					aria-label="Order of the stages"
					onChange={({ currentTarget }) => onOrder(currentTarget.selectedIndex)}
				>
					{ORDERS.map((name) => (
						<option key={name}>{name}</option>
					))}
				</select>
			)}
			<p class="hint">{hint}</p>
		</div>
	);
}
