import { ShortName } from '../components.tsx';
import { type Lane, type Span, spentOf } from '../model/stages.ts';
import type { TimeScale } from '../model/time-scale.ts';
import { exactLengthOf } from '../time.ts';
import { visible } from '../visible.ts';
import { memo } from './memo.ts';
import { activityOf, barOf, failuresOf, marksOf, ROW } from './paths.ts';

export interface Row {
	lane: Lane;
	/** Its place among all stages, which gives it its colour. */
	hue: number;
}

/** The name of a stage, and how long it was at work. */
export function LaneLabel({
	lane,
	now,
	alike,
}: {
	lane: Lane;
	now: number;
	/** What the names of all stages begin with alike. */
	alike: string;
}) {
	const last = lane.spans.at(-1);
	const name = visible(lane.stage);
	const spent = `${last?.outcome === 'failed' ? '✖ ' : ''}${last && last.attempt > 1 ? `#${last.attempt} ` : ''}${last ? exactLengthOf(spentOf(lane, now)) : ''}`;
	return (
		<div class={`lane-label ${last?.outcome ?? ''}`} style={{ height: `${ROW}px` }} title={name}>
			<ShortName kind="stage" name={name} alike={alike} />
			<span class="spent">{spent}</span>
		</div>
	);
}

const OUTCOMES: Record<Span['outcome'], string> = {
	open: 'goes on',
	done: 'done',
	failed: 'failed',
	left: 'its end was not told',
};

export const LaneBars = memo(function LaneBars({
	lane,
	hue,
	top,
	scale,
	width,
	now,
}: Row & {
	top: number;
	scale: TimeScale;
	width: number;
	/** Of no interest for a stage that has ended. */
	now: number;
	/** Tells of new events: the lane's array may be the same. */
	count: number;
}) {
	const hasAttempts = lane.spans.some(({ attempt }) => attempt > 1);
	return (
		<g transform={`translate(0 ${top})`}>
			{lane.spans.map((span) => (
				<g key={span.from} class={`span ${span.outcome}`}>
					<path class={`bar hue${hue % 6}`} d={barOf(span, scale, now)}>
						<title>
							{`${visible(lane.stage)}${hasAttempts ? ` #${span.attempt}` : ''}: ${exactLengthOf((span.to ?? now) - span.from)}, ${OUTCOMES[span.outcome]}`}
						</title>
					</path>
				</g>
			))}
			<path class={`work hue${hue % 6}`} d={activityOf(lane, scale, 0, width)} />
			<path class="mark" d={marksOf(lane, scale, 0, width)} />
			{lane.spans.map(
				(span) =>
					hasAttempts &&
					scale.x(span.to ?? now) - scale.x(span.from) > 26 && (
						<text key={span.from} class="attempt" x={scale.x(span.from) + 5} y={15}>
							#{span.attempt}
						</text>
					),
			)}
			{failuresOf(lane, scale).map((place) => (
				<text key={place} class="failure" x={place} y={16}>
					✖
				</text>
			))}
		</g>
	);
});
