import type { SessionStatus } from '../../client/client.ts';
import type { Connection } from '../live/watch.ts';
import type { FailedPart } from '../model/failed-part.ts';
import { type Seen, stageOf } from '../model/seen.ts';
import { inText, ownPartOf } from '../model/short-names.ts';
import { NO_STAGE } from '../model/stages.ts';
import { isFinal, nextFailure, type Verdict } from '../model/verdict.ts';
import { exactLengthOf, lengthOf, momentOf } from '../time.ts';
import { inOneLine, visible } from '../visible.ts';

const VERBS: Record<SessionStatus | 'deleted' | 'expired', string> = {
	intake: 'Intake',
	generating: 'Generating',
	assembling: 'Assembling',
	complete: 'Complete',
	failed: 'Failed',
	deleted: 'Deleted',
	expired: 'Expired',
};
const MAX_REASON = 160;
const MAX_ACTIVE = 3;

/** What the page knows, and how well. */
export interface Known {
	connection: Connection;
	/** Whether the connection is known to be alive right now. */
	isCurrent: boolean;
	/** Whether all events have been read. */
	isWhole: boolean;
	status: SessionStatus;
	/** When the status came, in epoch milliseconds. */
	since: number;
	ended: 'deleted' | 'expired' | undefined;
	/** What the latest change was of. */
	changed: string;
	/** What of the objects has failed, where no event tells of a failure. */
	failedPart: FailedPart | undefined;
}

/** In one line: what the session is doing, since when nothing has happened, and what failed. */
export function VerdictLine({
	verdict,
	known,
	now,
	alike,
	selected,
	onSelect,
	onTab,
}: {
	verdict: Verdict;
	known: Known;
	now: number;
	/** What the names of the stages begin with alike. */
	alike: string;
	selected: Seen | undefined;
	onSelect: (event: Seen) => void;
	onTab: (tab: FailedPart['tab']) => void;
}) {
	const { failures } = verdict;
	const { failedPart } = known;
	const { latest } = failures;
	const tone = known.status === 'failed' ? 'bad' : verdict.isQuiet ? 'quiet-long' : known.status;
	return (
		<section class="verdict" aria-label="What is going on">
			<p class={`doing ${tone}`}>
				<span class="sign" aria-hidden="true">
					{known.status === 'complete' ? '✔' : known.status === 'failed' ? '✖' : '●'}
				</span>{' '}
				<strong>{VERBS[known.ended ?? known.status]}</strong>
				{parts(verdict, known, now, alike).map((part) => (
					<span key={part} class="part">
						{part}
					</span>
				))}
			</p>
			{latest && (
				<p
					class={
						failures.isRecovered && known.status !== 'failed' ? 'failure-line recovered' : 'failure-line'
					}
				>
					<span class="what" dir="auto">
						▲ <strong>{failures.isRecovered ? 'Failed, then done' : 'Failed'}</strong>{' '}
						<span class="type">{visible(latest.type)}</span>
						{stageOf(latest) && <> in {inText(ownPartOf(visible(stageOf(latest)), alike))}</>}
						{latest.failure !== latest.type && `: ${inOneLine((latest.failure ?? '').slice(0, MAX_REASON))}`}
					</span>
					<span class="when">{momentOf(latest.time, now)}</span>
					<span class="buttons">
						<button type="button" onClick={() => onSelect(latest)}>
							Show
						</button>
						{failures.events.length > 1 && (
							<button
								type="button"
								title="F"
								onClick={() => {
									const next = nextFailure(failures.events, selected, 1);
									if (next) onSelect(next);
								}}
							>
								Next of {failures.events.length.toLocaleString('en')} ▸
							</button>
						)}
					</span>
				</p>
			)}
			{failedPart && (
				<p class="failure-line">
					<span class="what" dir="auto">
						▲ <strong>Failed</strong> <span class="type">{inText(visible(failedPart.place))}</span>:{' '}
						{inOneLine(failedPart.reason.slice(0, MAX_REASON))}
					</span>
					<span class="buttons">
						<button type="button" onClick={() => onTab(failedPart.tab)}>
							Show
						</button>
					</span>
				</p>
			)}
		</section>
	);
}

/** What follows the status, in the order of its importance. */
function parts(verdict: Verdict, known: Known, now: number, alike: string): string[] {
	const nameOf = (stage: string) => inText(ownPartOf(visible(stage), alike));
	const { active, latest, sinceMs, progress } = verdict;
	const said: string[] = [];
	const until = latest && `Events until ${momentOf(latest.time, now)}`;
	if (known.ended) return [`was ${known.status}`, ...(until ? [until] : [])];
	if (isFinal(known.status)) {
		said.push(`for ${lengthOf(Math.max(0, now - known.since))}, since ${momentOf(known.since, now)}`);
	} else if (active.length > 0) {
		const named = active.slice(0, MAX_ACTIVE).map(({ lane, span, spentMs }) => {
			const attempt = span.attempt > 1 ? ` #${span.attempt}` : '';
			const spent = spentMs === undefined ? '' : ` (${exactLengthOf(spentMs)})`;
			return `${lane.stage === NO_STAGE ? 'at work' : nameOf(lane.stage)}${attempt}${spent}`;
		});
		const rest = active.length - named.length;
		said.push(named.join(', ') + (rest > 0 ? ` and ${rest} more` : ''));
	}
	if (progress && known.isWhole) said.push(`${progress.done} of ${progress.of} ${progress.word}`);
	if (known.connection !== 'live') {
		said.push(until ? `${until}; ${WAITS[known.connection]}` : WAITS[known.connection]);
	} else {
		if (!latest && !isFinal(known.status)) said.push('no event yet');
		if (!known.isCurrent && until) said.push(`${until}; waiting for the connection`);
		else if (sinceMs !== undefined) said.push(sinceWords(verdict, sinceMs, nameOf, known.changed));
	}
	return said;
}

/** How long nothing has happened, and after what. */
function sinceWords(
	{ latest, isOfChange, isQuiet }: Verdict,
	sinceMs: number,
	nameOf: (stage: string) => string,
	changed: string,
): string {
	const stage = latest && stageOf(latest) ? ` in ${nameOf(stageOf(latest))}` : '';
	const event = inText(visible(latest?.type ?? '')) + stage;
	if (isQuiet) {
		return `Quiet for ${exactLengthOf(sinceMs).replace(/\.\d/, '')}, since ${isOfChange ? `${changed} changed` : event}`;
	}
	return isOfChange
		? `${changed} changed ${lengthOf(sinceMs)} ago`
		: `last event ${lengthOf(sinceMs)} ago: ${event}`;
}

const WAITS: Record<Connection, string> = {
	connecting: 'connecting',
	live: '',
	reconnecting: 'reconnecting',
	ended: 'no longer followed',
};
