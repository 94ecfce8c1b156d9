import type { SessionStatus } from '../../client/client.ts';
import { type TimeScale, ticksOf } from '../model/time-scale.ts';
import { axisTime, exactLengthOf } from '../time.ts';

export const AXIS_HEIGHT = 42;
const STRIP_TOP = 22;
/** The least width of the last status. */
const LAST = 12;

export interface StatusChange {
	status: SessionStatus;
	/** From when the session had it, in epoch milliseconds. */
	time: number;
}

/** The times, the breaks, and the statuses that the session had. */
export function Axis({
	scale,
	width,
	statuses,
	to,
}: {
	scale: TimeScale;
	width: number;
	statuses: readonly StatusChange[];
	to: number;
}) {
	const breaks = scale.pieces.filter(({ isBreak }) => isBreak);
	const isFree = (x: number) => !breaks.some(({ left, right }) => x > left - 34 && x < right + 34);
	return (
		<svg class="axis" width={width} height={AXIS_HEIGHT} aria-hidden="true">
			{ticksOf(scale, 84)
				.filter(({ time, stepMs }) => {
					const [x, half] = [scale.x(time), stepMs < 1000 ? 38 : 27];
					return isFree(x) && x > half && x < width - half;
				})
				.map(({ time, stepMs }) => (
					<g key={time} class="tick">
						<line x1={scale.x(time)} x2={scale.x(time)} y1={14} y2={20} />
						<text x={scale.x(time)} y={12}>
							{axisTime(time, stepMs)}
						</text>
					</g>
				))}
			{breaks.map(({ from, to: end, left, right }) => (
				<text key={from} class="break-length" x={Math.min((left + right) / 2, width - 34)} y={12}>
					{shortLengthOf(end - from)}
				</text>
			))}
			<Statuses scale={scale} width={width} statuses={statuses} to={to} />
		</svg>
	);
}

/** `33 min` in place of `33 min 0 s`. */
const shortLengthOf = (milliseconds: number): string => exactLengthOf(milliseconds).replace(/ 0 \w+$/, '');

function Statuses({
	scale,
	width,
	statuses,
	to,
}: {
	scale: TimeScale;
	width: number;
	statuses: readonly StatusChange[];
	to: number;
}) {
	const place = (time: number) => Math.min(width, Math.max(0, scale.x(time)));
	const first = statuses[0] ? place(statuses[0].time) : width;
	return (
		<g>
			{first > 2 && (
				<rect class="unknown" x={0} y={STRIP_TOP} width={first} height={16}>
					<title>The page does not know the status of that time.</title>
				</rect>
			)}
			{statuses.map(({ status, time }, index) => {
				// A part of the time shows the statuses of that time.
				if (time > to) return null;
				const left = place(time);
				const right = place(statuses[index + 1]?.time ?? Math.max(to, time));
				// The last one is seen even if it came last of all.
				const length = Math.max(right - left, index === statuses.length - 1 ? LAST : 0);
				if (length < 1) return null;
				return (
					<g key={`${time} ${status}`} class={`status ${status}`}>
						<rect x={Math.min(left, width - LAST)} y={STRIP_TOP} width={length} height={16}>
							<title>{status}</title>
						</rect>
						{length > status.length * 7 + 6 && (
							<text x={left + 5} y={STRIP_TOP + 12}>
								{status}
							</text>
						)}
					</g>
				);
			})}
		</g>
	);
}
