import { useMemo, useRef, useState } from 'preact/hooks';
import type { Look } from '../address.ts';
import type { Seen } from '../model/seen.ts';
import { type Lane, type Stages, spentOf } from '../model/stages.ts';
import { type Stretch, timeScale } from '../model/time-scale.ts';
import { exactLengthOf } from '../time.ts';
import { visible } from '../visible.ts';
import { AXIS_HEIGHT, Axis, type StatusChange } from './axis.tsx';
import { LaneBars, LaneLabel, type Row } from './lane-row.tsx';
import { ROW } from './paths.ts';
import { useDrag } from './use-drag.ts';
import { useBoxSize, useLatestInView, usePrinting } from './use-view.ts';

type Range = Look['range'];

const RANGES = [
	['All', undefined],
	['Last hour', 3_600_000],
	['Last 10 min', 600_000],
	['Last minute', 60_000],
] as const;
const ORDERS = ['As they start', 'Longest first', 'Latest first'] as const;
const SPARE = 4;
const MAX_PRINTED = 200;
/** Room for what happens now, at the right. */
const MARGIN = 14;

/** The time that is shown: all of it, the last part, or what somebody has dragged over. */
export function stretchOf(range: Range, first: number, end: number): Stretch {
	if (range === undefined) return { from: first, to: Math.max(end, first + 1) };
	return 'last' in range ? { from: end - range.last, to: end } : range;
}

/** A lane for each stage on an axis of time: a bar for each of its spans, a mark for each event. */
export function TimelineView({
	stages,
	events,
	statuses,
	end,
	range,
	onRange,
	selected,
	onSelect,
	alike,
	hint,
}: {
	stages: Stages;
	events: readonly Seen[];
	statuses: readonly StatusChange[];
	/** Where the axis ends, in epoch milliseconds: now, while the session goes on. */
	end: number;
	range: Range;
	onRange: (range: Range) => void;
	selected: Seen | undefined;
	onSelect: (event: Seen) => void;
	/** How many characters the names of the stages begin with alike. */
	alike: number;
	hint: string;
}) {
	const box = useRef<HTMLDivElement>(null);
	const plot = useRef<HTMLDivElement>(null);
	const size = useBoxSize(box);
	const width = useBoxSize(plot).width;
	const [order, setOrder] = useState(0);
	const [top, setTop] = useState(0);
	const { from, to } = stretchOf(range, events[0]?.time ?? end, end);
	const inner = Math.max(100, width - MARGIN);
	const times = useMemo(() => events.map(({ time }) => time), [events]);
	const scale = useMemo(() => timeScale(times, { from, to }, inner), [times, from, to, inner]);
	const rows = rowsOf(stages, { from, to }, order, end);
	const latest = events.at(-1);
	useLatestInView(box, rows, latest, order, size.height);

	const { drag, grabbed } = useDrag(
		(left, right) => onRange({ from: Math.floor(scale.timeAt(left)), to: Math.ceil(scale.timeAt(right)) }),
		(x, y) => {
			const row = rows[Math.floor((y - AXIS_HEIGHT) / ROW)];
			const nearest = nearestOf(row?.lane.events ?? events, scale.timeAt(x));
			if (nearest) onSelect(nearest);
		},
	);
	function pressed(event: KeyboardEvent): void {
		const length = to - from;
		const move = (by: number) =>
			onRange({ from: Math.round(from + by * length), to: Math.round(to + by * length) });
		const zoom = (by: number) =>
			onRange({ from: Math.round(from + (by * length) / 2), to: Math.round(to - (by * length) / 2) });
		const keys: Record<string, () => void> = {
			'+': () => length > 10 && zoom(0.5),
			'-': () => zoom(-1),
			ArrowLeft: () => move(-0.25),
			ArrowRight: () => move(0.25),
			'0': () => onRange(undefined),
		};
		const action = keys[event.key];
		if (!action || event.ctrlKey || event.metaKey) return;
		event.preventDefault();
		action();
	}

	// Paper does not scroll.
	const isPrinting = usePrinting();
	const firstRow = isPrinting ? 0 : Math.max(0, Math.floor((top - AXIS_HEIGHT) / ROW) - SPARE);
	const shown = rows.slice(firstRow, isPrinting ? MAX_PRINTED : Math.ceil((top + size.height) / ROW) + SPARE);
	const height = AXIS_HEIGHT + rows.length * ROW + 4;
	const place = (time: number) => Math.round(scale.x(time)) + 0.5;
	const isIn = (time: number) => time >= from && time <= to;
	return (
		<section class="card timeline" aria-labelledby="timeline-title">
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
				{stages.lanes.length > 6 && (
					<select
						aria-label="Order of the stages"
						onChange={({ currentTarget }) => setOrder(currentTarget.selectedIndex)}
					>
						{ORDERS.map((name) => (
							<option key={name}>{name}</option>
						))}
					</select>
				)}
				<p class="hint">{hint}</p>
			</div>
			{/* It scrolls when there are many stages, and zooms, so the keyboard must reach it. */}
			<section
				ref={box}
				class="lanes"
				// biome-ignore lint/a11y/noNoninteractiveTabindex: see above.
				tabIndex={0}
				aria-label="Stages over time. Plus and minus zoom, the arrow keys move, 0 shows all."
				onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
				onKeyDown={pressed}
			>
				<div class="lane-labels" style={{ height: `${height}px` }}>
					<div class="status-label" style={{ height: `${AXIS_HEIGHT}px` }}>
						<span>status</span>
					</div>
					<div style={{ height: `${firstRow * ROW}px` }} />
					{shown.map(({ lane }) => (
						<LaneLabel key={lane.stage} lane={lane} now={end} alike={alike} />
					))}
				</div>
				{/* The keys of the section around it do the same. */}
				{/* biome-ignore lint/a11y/noStaticElementInteractions: see above. */}
				<div
					ref={plot}
					class="plot"
					style={{ height: `${height}px` }}
					onPointerDown={grabbed}
					onDblClick={() => onRange(undefined)}
				>
					<Axis scale={scale} width={Math.max(100, width)} statuses={statuses} to={to} />
					<svg
						class="bars"
						width={Math.max(100, width)}
						height={height - AXIS_HEIGHT}
						role="img"
						aria-label={descriptionOf(rows, end) || 'No stage yet'}
					>
						{scale.pieces
							.filter(({ isBreak }) => isBreak)
							.map(({ left, right }) => (
								<g key={left} class="break">
									<rect x={left} y={0} width={right - left} height={height} />
									<path d={`M${round((left + right) / 2 - 4)} 0l8 ${height / 2}l-8 ${height / 2}`} />
								</g>
							))}
						{shown.map(({ lane, hue }, index) => (
							<LaneBars
								key={lane.stage}
								lane={lane}
								hue={hue}
								top={(firstRow + index) * ROW}
								scale={scale}
								width={width}
								now={lane.spans.at(-1)?.outcome === 'open' ? end : 0}
								count={lane.events.length}
							/>
						))}
						{selected && isIn(selected.time) && (
							<line class="selected" x1={place(selected.time)} x2={place(selected.time)} y1={0} y2={height} />
						)}
					</svg>
					{drag && (
						<div
							class="dragged"
							style={{
								left: `${Math.min(drag.from, drag.to)}px`,
								width: `${Math.abs(drag.to - drag.from)}px`,
							}}
						/>
					)}
				</div>
			</section>
		</section>
	);
}

const round = (value: number): number => Math.round(value * 10) / 10;

function rowsOf({ lanes }: Stages, { from, to }: Stretch, order: number, now: number): Row[] {
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
const descriptionOf = (rows: readonly Row[], now: number): string =>
	rows
		.slice(0, MAX_DESCRIBED)
		.map(
			({ lane }) =>
				`${visible(lane.stage)}: ${lane.events.length} events${lane.spans.length > 0 ? `, ${exactLengthOf(spentOf(lane, now))}` : ''}${lane.spans.at(-1)?.outcome === 'failed' ? ', failed' : ''}`,
		)
		.join('; ');

/** The event nearest to a time, among events in order. */
function nearestOf(events: readonly Seen[], time: number): Seen | undefined {
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
