import { retryIn } from './retry.ts';
import type { Seen } from './seen.ts';
import { roleOf, type Words, wordsAmong, wordsOf } from './words.ts';

/** A stretch of time in which a stage was at work: one attempt, if it has several. */
export interface Span {
	from: number;
	/** Undefined while it goes on. */
	to: number | undefined;
	/** `left` when nothing tells how it ended. */
	outcome: 'open' | 'done' | 'failed' | 'left';
	/** Which one it is, from 1 on. */
	attempt: number;
	/** What its events are about, such as `module`. */
	about: string;
	/** Whether an event told of its start, so that another one is expected to tell of its end. */
	isPaired: boolean;
	/** The word that told of its end, such as `built`. */
	endedBy: string | undefined;
	/** When its latest event happened. */
	last: number;
}

/** One stage. */
export interface Lane {
	stage: string;
	spans: Span[];
	/** Its events, oldest first. */
	events: Seen[];
}

export interface Stages {
	/** In the order in which the stages appeared. */
	lanes: Lane[];
}

/** What stands for the stage of an event that names none. */
export const NO_STAGE = 'no stage';

interface Working extends Lane {
	/** Starts within the current span that have not ended, all by the word with which it began. */
	depth: number;
	startedBy: string;
	/** Whether an event within the current span told of a failure. */
	hasFailed: boolean;
	/** The events of the log at which its unpaired spans end, by span. */
	lastIndex: number;
}

/**
 * Finds out when each stage was at work. An event `*.started` begins a span, and the next `*.finished`, `*.built` or `*.failed`
 * of the same kind in that stage ends it; without such an end it stays open, unless the latest event tells of a failure. A stage
 * whose events tell of no start was at work from its first event to its last. `endedAt` is when the whole session ended, if it has.
 */
export function stagesOf(events: readonly Seen[], endedAt: number | undefined): Stages {
	const types = new Set(events.map(({ type }) => type));
	const wordsIn = wordsAmong(types);
	/** The types of which a payload tells of states. */
	const stateful = new Set(events.flatMap(({ type, state }) => (state === undefined ? [] : type)));
	const hasStages = events.some(({ stage }) => stage !== null);
	/** What some types tell the start or the end of. */
	const worked = new Set(
		[...types].map(wordsIn).flatMap(({ about, role }) => (role === 'other' ? [] : about)),
	);
	const lanes = new Map<string, Working>();
	const endings = new Set<string>();
	events.forEach((event, index) => {
		const said = wordsIn(event.type);
		const words = said.role === 'other' && stateful.has(event.type) ? byState(event) : said;
		const isWorked = said.role !== 'other' || worked.has(said.about);
		const kind = isWorked ? said.about : said.about && event.type;
		// A session that names no stages is told apart by what its payloads name, or by what its events are about.
		const told = event.stage ?? (hasStages ? NO_STAGE : (event.named ?? (kind || NO_STAGE)));
		const name = retryIn(told)?.stage ?? told;
		let lane = lanes.get(name);
		if (!lane) {
			lane = {
				stage: name,
				spans: [],
				events: [],
				depth: 0,
				startedBy: '',
				hasFailed: false,
				lastIndex: index,
			};
			lanes.set(name, lane);
		}
		lane.lastIndex = index;
		lane.events.push(event);
		if (words.role === 'end' || words.role === 'failure') endings.add(words.about);
		// Beside stages, events that name none are no work, unless one tells of a start.
		const isWork = event.stage !== null || !hasStages || lane.spans.length > 0 || words.role === 'start';
		if (isWork) take(lane, event, words);
	});
	const found = [...lanes.values()];
	closeFailed(found);
	closeSequences(found, endings);
	closeUnpaired(found, events);
	if (endedAt !== undefined) for (const lane of found) closeAt(lane, endedAt);
	return { lanes: found };
}

/** Where a type tells of no start and no end, the states that payloads tell of do, among events of that type. */
const byState = ({ type, state = '' }: Seen): Words => ({ about: type, word: state, role: roleOf(state) });

/** Adds an event to the spans of its stage. */
function take(lane: Working, event: Seen, words: Words): void {
	const { about, word } = words;
	const { time } = event;
	const role = words.role === 'end' && event.failure !== undefined ? 'failure' : words.role;
	let span = lane.spans.at(-1);
	const isOpen = span?.outcome === 'open';
	const isSame = span?.about === about;
	if (role === 'start') {
		// What begins again after a failure is another attempt, and not a part of the first.
		const isAgain = word === lane.startedBy && lane.hasFailed;
		const isNextAttempt = event.attempt !== undefined && event.attempt > (span?.attempt ?? 0);
		if (!span || !isOpen || (isSame && !span.isPaired)) {
			if (span && isOpen) close(span, span.last, leftOrFailed(span, lane.events.at(-2)));
			begin(lane, event, words, true);
		} else if (isSame && ((isNextAttempt && lane.events.length > 1) || isAgain)) {
			close(span, span.last, isAgain ? 'failed' : leftOrFailed(span, lane.events.at(-2)));
			begin(lane, event, words, true);
		} else if (isSame && word === lane.startedBy && wordsOf(event.type).role === 'start') lane.depth += 1;
		// Another start within a span is a part of its work, such as a call of a model. Words that only begin something beside
		// others, such as `render`, are also said again while it goes on.
	} else if (role === 'end' && isSame && span?.isPaired && span.outcome === 'done') {
		span.to = time;
	} else if (span && isOpen && isSame && (role === 'end' || role === 'failure')) {
		if (role === 'end') lane.depth -= 1;
		if (role === 'failure' || lane.depth <= 0) close(span, time, role === 'end' ? 'done' : 'failed', word);
	} else if (!span || (!isOpen && isSame && span.outcome === 'failed' && role !== 'failure')) {
		span = begin(lane, event, words, false);
		if (role === 'failure') close(span, time, 'failed', word);
		if (role === 'end') close(span, time, 'done', word);
	} else if (!isOpen && !span.isPaired) {
		// Nothing told of a start, so nothing reliable told of an end.
		[span.to, span.outcome, span.endedBy] = [undefined, 'open', undefined];
		if (role === 'failure') close(span, time, 'failed', word);
	}
	if (event.failure !== undefined) lane.hasFailed = true;
	const latest = lane.spans.at(-1);
	if (latest && (latest.outcome === 'open' || latest.to === time)) latest.last = time;
}

function begin(lane: Working, { time, attempt }: Seen, { about, word }: Words, isPaired: boolean): Span {
	lane.depth = 1;
	lane.hasFailed = false;
	lane.startedBy = word;
	const before = lane.spans.filter((span) => span.isPaired === isPaired).length;
	const span: Span = {
		from: time,
		to: undefined,
		outcome: 'open',
		attempt: attempt ?? before + 1,
		about,
		isPaired,
		endedBy: undefined,
		last: time,
	};
	lane.spans.push(span);
	return span;
}

function close(span: Span, to: number, outcome: Span['outcome'], word?: string): void {
	span.to = Math.max(to, span.from);
	span.outcome = outcome;
	span.endedBy = word;
}

/** How a span ended that nothing told the end of: its latest event may tell of a failure of what it does. */
const leftOrFailed = (span: Span, latest: Seen | undefined): 'left' | 'failed' =>
	latest?.failure !== undefined && [wordsOf(latest.type).about, latest.type].includes(span.about)
		? 'failed'
		: 'left';

/** A stage whose latest event tells of a failure of what it does is not at work any more. */
function closeFailed(lanes: readonly Working[]): void {
	for (const { spans, events } of lanes) {
		const [span, latest] = [spans.at(-1), events.at(-1)];
		if (span?.outcome !== 'open' || !latest) continue;
		if (leftOrFailed(span, latest) === 'failed') close(span, latest.time, 'failed');
	}
}

/** Where no event ever tells of an end, as with `stage.started`, a stage ends when the next one starts. */
function closeSequences(lanes: readonly Working[], endings: ReadonlySet<string>): void {
	const starts = lanes
		.flatMap(({ spans }) => spans)
		.filter(({ isPaired, outcome, about }) => isPaired && outcome === 'open' && !endings.has(about))
		.sort((a, b) => a.from - b.from);
	for (const [index, span] of starts.entries()) {
		const next = starts.slice(index + 1).find(({ about }) => about === span.about);
		if (next) close(span, Math.max(next.from, span.last), 'left');
	}
}

/**
 * Closes the spans that nothing told the start of, apart from the one of the latest event. When nothing else was going on, the
 * time until the next event counts for the stage that was at work before.
 */
function closeUnpaired(lanes: readonly Working[], events: readonly Seen[]): void {
	const paired = lanes.flatMap(({ spans }) => spans).filter(({ isPaired }) => isPaired);
	for (const lane of lanes) {
		const span = lane.spans.at(-1);
		if (span?.outcome !== 'open' || span.isPaired) continue;
		const next = events[lane.lastIndex + 1];
		const until = next?.time ?? Number.POSITIVE_INFINITY;
		const isBusy = paired.some(({ from, to = Number.POSITIVE_INFINITY }) => from < until && to > span.last);
		if (next || (isBusy && lane.stage === NO_STAGE)) close(span, isBusy ? span.last : until, 'left');
	}
}

function closeAt({ spans }: Lane, endedAt: number): void {
	for (const span of spans) {
		if (span.outcome === 'open') close(span, Math.max(endedAt, span.last), 'left');
	}
}

/** How long a stage was at work, in milliseconds. Spans of one stage never overlap. */
export const spentOf = ({ spans }: Lane, now: number): number =>
	spans.reduce((sum, { from, to = now }) => sum + Math.max(0, to - from), 0);
