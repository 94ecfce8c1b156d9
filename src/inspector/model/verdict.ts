import type { SessionStatus } from '../../client/client.ts';
import type { Seen } from './seen.ts';
import { type Lane, NO_STAGE, type Span, spentOf } from './stages.ts';

/** Nothing more is expected after these. */
const FINAL: ReadonlySet<SessionStatus> = new Set(['complete', 'failed']);
export const isFinal = (status: SessionStatus): boolean => FINAL.has(status);

/** So long without an event or a change is a warning. */
const QUIET_MS = 30_000;
/** A change so soon after an event belongs to it. */
const TOGETHER_MS = 2000;

/** What one says of a session at a glance. */
export interface Verdict {
	/** The stages that are at work, the one of the latest event first. How long is only known while the page is up to date. */
	active: { lane: Lane; span: Span; spentMs: number | undefined }[];
	latest: Seen | undefined;
	/**
	 * How long ago the latest event was, or the latest change of the session. Undefined when that means nothing: the session is over,
	 * or the page is not up to date.
	 */
	sinceMs: number | undefined;
	/** Whether a change was the latest that happened. */
	isOfChange: boolean;
	/** Whether so long a silence is unusual. */
	isQuiet: boolean;
	/** How many stages of the kind that is at work have ended well, and the word for that: 3 of 8 built. */
	progress: { done: number; of: number; word: string } | undefined;
	failures: Failures;
}

export interface Failures {
	/** The events that tell of failures, oldest first. */
	events: readonly Seen[];
	latest: Seen | undefined;
	/** Whether a later attempt of the same stage ended well. */
	isRecovered: boolean;
}

/**
 * Judges a session. `now` is the service's time; undefined when the page is not up to date, so that nothing is said of the time
 * since the last event. `changedAt` is when the session itself last changed, if it ever has.
 */
export function verdictOf(
	lanes: readonly Lane[],
	events: readonly Seen[],
	status: SessionStatus,
	now: number | undefined,
	changedAt = Number.NEGATIVE_INFINITY,
): Verdict {
	const latest = events.at(-1);
	const told = latest?.time ?? Number.NEGATIVE_INFINITY;
	const lastAt = Math.max(told, changedAt);
	const active = lanes
		.flatMap((lane) => {
			const span = lane.spans.at(-1);
			// Events without a stage tell nothing of what is at work, unless they tell of its start.
			const isWork = lane.stage !== NO_STAGE || span?.isPaired;
			return span?.outcome === 'open' && isWork
				? [{ lane, span, spentMs: now === undefined ? undefined : spentOf(lane, now) }]
				: [];
		})
		.sort((a, b) => b.span.last - a.span.last);
	const sinceMs =
		now === undefined || lastAt === Number.NEGATIVE_INFINITY || isFinal(status)
			? undefined
			: Math.max(0, now - lastAt);
	return {
		active,
		latest,
		sinceMs,
		isOfChange: changedAt - told > TOGETHER_MS,
		isQuiet: sinceMs !== undefined && sinceMs >= QUIET_MS,
		progress: progressOf(lanes, active[0]?.span.about, isFinal(status)),
		failures: failuresIn(lanes, events),
	};
}

/** Counts the stages of one kind: what most of the paired spans are about, or what is at work now. */
function progressOf(lanes: readonly Lane[], about: string | undefined, isOver: boolean): Verdict['progress'] {
	const counts = new Map<string, Lane[]>();
	for (const lane of lanes) {
		const kind = lane.spans.findLast(({ isPaired }) => isPaired)?.about;
		if (kind !== undefined) counts.set(kind, [...(counts.get(kind) ?? []), lane]);
	}
	const most = [...counts.values()].sort((a, b) => b.length - a.length)[0];
	const ofActive = about === undefined ? undefined : counts.get(about);
	const chosen = ofActive && ofActive.length > 1 ? ofActive : most;
	if (!chosen || chosen.length < 2) return undefined;
	const done = chosen.filter(({ spans }) => spans.at(-1)?.outcome === 'done');
	// A program that tells of no ends has none to count.
	if (isOver && done.length === 0) return undefined;
	const word = done[0]?.spans.at(-1)?.endedBy ?? '';
	// `3 of 8 built` reads well, and `3 of 8 end` does not.
	return { done: done.length, of: chosen.length, word: /(ed|ilt)$/.test(word) ? word : 'done' };
}

function failuresIn(lanes: readonly Lane[], events: readonly Seen[]): Failures {
	const failed = events.filter(({ failure }) => failure !== undefined);
	const latest = failed.at(-1);
	const lane = latest && lanes.find((each) => each.events.includes(latest));
	const isRecovered =
		lane !== undefined &&
		latest !== undefined &&
		lane.spans.some(({ outcome, to }) => outcome === 'done' && to !== undefined && to > latest.time);
	return { events: failed, latest, isRecovered };
}

/** The failure after a place in the log, or before it; from the other end when there is none. */
export function nextFailure(
	failures: readonly Seen[],
	from: Seen | undefined,
	step: 1 | -1,
): Seen | undefined {
	const at = from?.position;
	if (step === 1) return failures.find(({ position }) => at === undefined || position > at) ?? failures[0];
	return failures.findLast(({ position }) => at === undefined || position < at) ?? failures.at(-1);
}
