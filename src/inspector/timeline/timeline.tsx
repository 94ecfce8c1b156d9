import { useMemo, useRef, useState } from 'preact/hooks';
import type { Seen } from '../model/seen.ts';
import type { Stages } from '../model/stages.ts';
import { timeScale } from '../model/time-scale.ts';
import { AXIS_HEIGHT, Axis, type StatusChange } from './axis.tsx';
import { type Range, stretchOf, TimelineHead } from './head.tsx';
import { LaneBars, LaneLabel } from './lane-row.tsx';
import { ROW } from './paths.ts';
import { descriptionOf, nearestOf, rowsOf } from './rows.ts';
import { useDrag } from './use-drag.ts';
import { useBoxSize, useLatestInView, usePrinting } from './use-view.ts';

const SPARE = 4;
const MAX_PRINTED = 200;
/** Room for what happens now, at the right. */
const MARGIN = 14;

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
	/** What the names of the stages begin with alike. */
	alike: string;
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
			<TimelineHead
				range={range}
				onRange={onRange}
				// With few stages there is nothing to order.
				onOrder={stages.lanes.length > 6 ? setOrder : undefined}
				hint={hint}
			/>
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
