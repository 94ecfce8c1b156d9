import { useMemo } from 'preact/hooks';
import type { Version } from '../../client/client.ts';
import { versionLanes } from '../history/version-lanes.ts';
import { statusesIn } from '../history/versions.ts';
import type { Live } from '../live/watch.ts';
import { failedPartIn } from '../model/failed-part.ts';
import { TITLES } from '../model/object-names.ts';
import { type Seen, stageOf } from '../model/seen.ts';
import { alikeIn, inText, ownPartOf } from '../model/short-names.ts';
import { NO_STAGE, type Stages, stagesOf } from '../model/stages.ts';
import { isFinal, nextFailure, type Verdict, verdictOf } from '../model/verdict.ts';
import { exactLengthOf, momentOf } from '../time.ts';
import type { StatusChange } from '../timeline/axis.tsx';
import { visible } from '../visible.ts';
import { useSettled } from './use-settled.ts';
import type { Known } from './verdict.tsx';

/** What the page makes of a session. */
export interface Judged {
	stages: Stages;
	/** What the names of the stages begin with alike. */
	alike: string;
	/** How many characters the longest name has that events tell of, without that. */
	longestStage: number;
	/** What the timeline shows: the events that the stages were made of, or the versions of a session without events. */
	marks: readonly Seen[];
	verdict: Verdict;
	/** Undefined until the session has arrived. */
	known: Known | undefined;
	statuses: readonly StatusChange[];
	/** Where the axis of time ends. */
	end: number;
	/** How long it took, and its longest silence. */
	hint: string;
	nextFailure(from: Seen | undefined, step: 1 | -1): Seen | undefined;
}

/** With many events, what is made of them follows less often. */
const FEW = 3000;

/** Judges what has arrived of a session. `isCurrent` says whether the connection is alive; then `now` counts. */
export function useJudged(live: Live, versions: readonly Version[], isCurrent: boolean, now: number): Judged {
	const { log, head, statuses, connection, ended } = live;
	const events = useSettled(log.events, log.events.length > FEW ? 1000 : 200);
	const latest = events.at(-1);
	const status = head?.status ?? 'intake';
	const since = statuses.at(-1)?.time ?? Date.parse(head?.updatedAt ?? '');
	const over = ended ? latest?.time : isFinal(status) ? Math.max(since, latest?.time ?? 0) : undefined;
	// The objects arrive after the newest events.
	const isSilent = log.total === 0 && live.objects !== undefined;
	const past = useMemo(() => (isSilent ? versionLanes(versions) : undefined), [isSilent, versions]);
	const stages = useMemo(() => past ?? stagesOf(events, over), [past, events, over]);
	const names = useMemo(() => namesIn(stages), [stages]);
	const changedAt = head && head.updatedAt !== head.createdAt ? Date.parse(head.updatedAt) : undefined;
	const isLive = connection === 'live' && isCurrent;
	const verdict = useMemo(
		() => verdictOf(stages.lanes, events, status, isLive ? now : undefined, changedAt),
		[stages, events, status, isLive, now, changedAt],
	);
	const isUntold = verdict.failures.latest === undefined;
	const failedPart = useMemo(
		() => (isUntold && live.objects ? failedPartIn(live.objects) : undefined),
		[isUntold, live.objects?.plan, live.objects?.assemblyState],
	);
	const end = over ?? (isLive ? Math.max(now, latest?.time ?? 0) : (latest?.time ?? now));
	const silence = useMemo(() => longestSilence(events), [events]);
	return {
		stages,
		...names,
		marks: past?.marks ?? events,
		verdict,
		known: head && {
			connection,
			isCurrent,
			isWhole: events.length === log.total,
			status,
			since,
			ended,
			changed: changedIn(versions.at(-1), head.updatedAt),
			failedPart,
		},
		statuses: useMemo(() => statusesOf(live, versions), [head?.etag, statuses, versions]),
		end,
		hint: hintOf(events, stages, silence, verdict, now, names.alike),
		nextFailure: (from, step) => nextFailure(verdict.failures.events, from, step),
	};
}

function namesIn({ lanes }: Stages): Pick<Judged, 'alike' | 'longestStage'> {
	const alike = alikeIn(lanes.flatMap(({ stage }) => (stage === NO_STAGE ? [] : visible(stage))));
	const told = lanes.filter(({ events }) => events[0] && stageOf(events[0]) !== '');
	const longestStage = told.reduce(
		(most, { stage }) => Math.max(most, ownPartOf(visible(stage), alike).length),
		0,
	);
	return { alike, longestStage };
}

/** What the latest change was of. */
function changedIn(version: Version | undefined, updatedAt: string): string {
	const changed = version?.updatedAt === updatedAt ? version.changed : [];
	const names = changed.flatMap((name) =>
		name === 'status' ? 'the status' : (TITLES[name as 'plan'] ?? []),
	);
	return names.join(' and ') || 'the session';
}

/** The statuses by the versions, and those that have come since these were read. */
function statusesOf({ head, statuses }: Live, versions: readonly Version[]): readonly StatusChange[] {
	if (head && versions.length > 0) {
		const kept = statusesIn(versions, head.createdAt);
		const last = kept.at(-1);
		return [
			...kept,
			...statuses.filter(({ status, time }) => last && time > last.time && status !== last.status),
		];
	}
	// A session that never changed has the status with which it was created.
	if (head?.etag !== '"1"' || statuses[0] === undefined) return statuses;
	return [{ ...statuses[0], time: Date.parse(head.createdAt) }];
}

interface Silence {
	ms: number;
	after: Seen;
}

function longestSilence(events: readonly Seen[]): Silence | undefined {
	let longest: Silence | undefined;
	events.forEach((event, index) => {
		const next = events[index + 1];
		if (next && next.time - event.time > (longest?.ms ?? 0))
			longest = { ms: next.time - event.time, after: event };
	});
	return longest;
}

function hintOf(
	events: readonly Seen[],
	{ lanes }: Stages,
	silence: Silence | undefined,
	{ latest, sinceMs, isOfChange }: Verdict,
	now: number,
	alike: string,
): string {
	const nameOf = (stage: string) => inText(ownPartOf(visible(stage), alike));
	const first = events[0];
	if (!first || !latest || first === latest) return '';
	const took = `${exactLengthOf(Math.max(0, latest.time - first.time))} from ${momentOf(first.time, now)} to ${momentOf(latest.time, now)}`;
	const longest =
		sinceMs !== undefined && !isOfChange && sinceMs > (silence?.ms ?? 0)
			? { ms: sinceMs, after: latest }
			: silence;
	if (!longest || longest.ms < 1000) return took;
	const { type, time } = longest.after;
	const stage = stageOf(longest.after);
	const atWork = lanes.filter(
		({ stage, spans }) =>
			stage !== NO_STAGE &&
			spans.some(({ from, to = Number.POSITIVE_INFINITY }) => from <= time && to >= time + longest.ms),
	);
	if (atWork.length > 0) {
		const [first] = atWork;
		const rest = atWork.length > 1 ? ` and ${atWork.length - 1} more` : '';
		return `${took}; longest quiet: ${exactLengthOf(longest.ms)}, with ${nameOf(first?.stage ?? '')}${rest} at work`;
	}
	return `${took}; longest quiet: ${exactLengthOf(longest.ms)}, since ${visible(type)}${stage && ` in ${nameOf(stage)}`}`;
}
