import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Event } from '../../client/client.ts';
import { exactLengthOf } from '../time.ts';
import { type Lane, ticksOf, timelineOf, timeOf } from './timeline-layout.ts';

const LANE_HEIGHT = 26;
const AXIS_HEIGHT = 22;
const LABEL_WIDTH = 128;
/** Room for the mark at the end. */
const MARGIN = 12;

const RANGES = [
	['All', Number.POSITIVE_INFINITY],
	['Last hour', 3_600_000],
	['Last 10 min', 600_000],
	['Last minute', 60_000],
] as const;

const nameOf = (stage: string | null): string => stage ?? 'no stage';

/** One lane for each stage, on an axis of time: marks for events, bars for the time that the session spent in the stage. */
export function TimelineView({
	events,
	count,
	now,
	isRunning,
	selected,
	onSelect,
}: {
	events: readonly Event[];
	count: number;
	now: number;
	/** Whether more may come: then the time since the last event counts. */
	isRunning: boolean;
	selected: Event | undefined;
	onSelect: (event: Event) => void;
}) {
	const box = useRef<HTMLDivElement>(null);
	const width = useWidth(box);
	const [range, setRange] = useState<number>(Number.POSITIVE_INFINITY);
	const [firstEvent, lastEvent] = [events[0], events.at(-1)];
	const first = firstEvent ? timeOf(firstEvent) : 0;
	const last = lastEvent ? timeOf(lastEvent) : 0;
	const sinceLast = isRunning ? Math.max(0, now - last) : 0;
	// A session that was left alone for a day shows its events, not the day: the time until now takes half of the width at
	// most. The text tells how long it is.
	const silence = Math.min(sinceLast, Math.max(10_000, last - first));
	const end = last + silence;
	// The array of events grows in place: its count tells of new ones.
	const timeline = useMemo(() => timelineOf(events, end, end - range), [events, count, end, range]);
	const { lanes, from, to, longest } = timeline;
	const scale = (width - LABEL_WIDTH - MARGIN) / Math.max(1, to - from);
	const x = (time: number) => LABEL_WIDTH + (time - from) * scale;
	const longestMs = longest && (longest.to > last ? sinceLast : longest.to - longest.from);
	const height = lanes.length * LANE_HEIGHT + AXIS_HEIGHT;
	const selectedTime = selected && timeOf(selected);

	function select(event: MouseEvent & { currentTarget: SVGSVGElement }): void {
		const bounds = event.currentTarget.getBoundingClientRect();
		const lane = lanes[Math.floor((event.clientY - bounds.top - AXIS_HEIGHT) / LANE_HEIGHT)];
		const time = from + (event.clientX - bounds.left - LABEL_WIDTH) / scale;
		const nearest = nearestEvent(events, lane, time);
		if (nearest) onSelect(nearest);
	}

	return (
		<section class="card timeline" aria-labelledby="timeline-title">
			<div class="card-head">
				<h2 id="timeline-title">Timeline</h2>
				<select
					aria-label="Show the time"
					onChange={({ currentTarget }) => setRange(RANGES[currentTarget.selectedIndex]?.[1] ?? range)}
				>
					{RANGES.map(([name]) => (
						<option key={name}>{name}</option>
					))}
				</select>
				<p class="hint">
					{longest && longestMs !== undefined && (
						<>
							{exactLengthOf(last - first)} from the first event to the last, longest silence{' '}
							{exactLengthOf(longestMs)} in {nameOf(longest.stage)}
						</>
					)}
				</p>
			</div>
			{/* It scrolls when there are many stages, so the keyboard must reach it. */}
			{/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above. */}
			<section ref={box} class="lanes" tabIndex={0} aria-label="Stages over time">
				{events.length === 0 ? (
					<p class="hint">No event yet. Each one appears here as it happens.</p>
				) : (
					// The list of events does the same by keyboard.
					// biome-ignore lint/a11y/useKeyWithClickEvents: see above.
					<svg width={width} height={height} onClick={select} role="img" aria-label={descriptionOf(lanes)}>
						{ticksOf(to - from, Math.max(2, (width - LABEL_WIDTH) / 90)).map((tick) => (
							<g key={tick} class="tick">
								<line x1={x(from + tick)} x2={x(from + tick)} y1={AXIS_HEIGHT} y2={height} />
								<text x={x(from + tick)} y={14}>
									{tick === 0
										? '0'
										: exactLengthOf(tick)
												.replace(/ 0 \w+$/, '')
												.replace('.0 ', ' ')}
								</text>
							</g>
						))}
						{lanes.map((lane, index) => (
							<g key={nameOf(lane.stage)} transform={`translate(0 ${AXIS_HEIGHT + index * LANE_HEIGHT})`}>
								<title>{`${nameOf(lane.stage)}: ${lane.times.length} events, ${exactLengthOf(lane.spentMs)}`}</title>
								<text class="stage" x={4} y={17}>
									{shortened(nameOf(lane.stage), 17)}
								</text>
								<path class={`bar hue${index % 6}`} d={barsOf(lane, x)} />
								<path class="mark" d={marksOf(lane, x)} />
							</g>
						))}
						{longest && longestMs !== undefined && longest.to - longest.from > (to - from) / 10 && (
							<text
								class="silence"
								x={x((longest.from + longest.to) / 2)}
								y={AXIS_HEIGHT + lanes.findIndex(({ stage }) => stage === longest.stage) * LANE_HEIGHT + 17}
							>
								{exactLengthOf(longestMs)}
							</text>
						)}
						{selectedTime !== undefined && selectedTime >= from && (
							<line class="selected" x1={x(selectedTime)} x2={x(selectedTime)} y1={AXIS_HEIGHT} y2={height} />
						)}
					</svg>
				)}
			</section>
		</section>
	);
}

const shortened = (text: string, most: number): string =>
	text.length <= most ? text : `${text.slice(0, most - 1)}…`;

const descriptionOf = (lanes: readonly Lane[]): string =>
	lanes
		.map(
			({ stage, times, spentMs }) => `${nameOf(stage)}: ${times.length} events in ${exactLengthOf(spentMs)}`,
		)
		.join('; ');

const round = (value: number): number => Math.round(value * 10) / 10;

/** One path for all, and one mark for each pixel at most: ten thousand events draw as fast as ten. */
function marksOf({ times }: Lane, x: (time: number) => number): string {
	const places = new Set(times.map((time) => Math.round(x(time))));
	return Array.from(places, (place) => `M${place} 5v16`).join('');
}

function barsOf({ stretches }: Lane, x: (time: number) => number): string {
	let path = '';
	let drawnTo = -1;
	for (const { from, to } of stretches) {
		const start = Math.max(x(from), drawnTo);
		const end = Math.max(x(to), start);
		if (end - start < 0.5) continue;
		path += `M${round(start)} 8h${round(end - start)}v10h${round(start - end)}z`;
		drawnTo = end;
	}
	return path;
}

function nearestEvent(events: readonly Event[], lane: Lane | undefined, time: number): Event | undefined {
	let nearest: { event: Event; distance: number } | undefined;
	for (const event of events) {
		if (lane && event.stage !== lane.stage) continue;
		const distance = Math.abs(timeOf(event) - time);
		if (nearest === undefined || distance < nearest.distance) nearest = { event, distance };
	}
	return nearest?.event;
}

/** The width of an element, as it changes. */
function useWidth(element: { current: HTMLElement | null }): number {
	const [width, setWidth] = useState(600);
	useEffect(() => {
		if (!element.current) return;
		const observer = new ResizeObserver(([entry]) => {
			if (entry) setWidth(Math.max(320, Math.floor(entry.contentRect.width)));
		});
		observer.observe(element.current);
		return () => observer.disconnect();
	}, [element]);
	return width;
}
