import { useEffect, useState } from 'preact/hooks';
import { CopyButton, Fact } from '../components.tsx';
import { readPayload } from '../exact-json.ts';
import { JsonText } from '../json/json.tsx';
import { longTextsIn, pretty } from '../json/text.ts';
import type { Seen } from '../model/seen.ts';
import type { Connect } from '../service.ts';
import { exactLengthOf, timeOfDay } from '../time.ts';
import { visible } from '../visible.ts';

/** An event with its neighbours in the log. */
export interface Selected {
	event: Seen;
	previous: Seen | undefined;
	next: Seen | undefined;
}

/** One event with its payload. */
export function EventDetail({
	connect,
	sessionId,
	selected: { event, previous, next },
	onMove,
}: {
	connect: Connect;
	sessionId: string;
	selected: Selected;
	onMove: (event: Seen) => void;
}) {
	const { payload, problem } = usePayload(connect, sessionId, event, previous?.id, next?.id);
	const text = payload === undefined ? undefined : pretty(payload);
	const texts = payload === undefined ? [] : longTextsIn(payload);
	return (
		<section class="event-detail" aria-labelledby="event-title">
			<div class="card-head">
				<h3 id="event-title" dir="auto">
					{event.failure !== undefined && <span class="cross">✖ </span>}
					{visible(event.type)}
				</h3>
				<button
					type="button"
					class="quiet"
					aria-label="Previous event"
					disabled={!previous}
					onClick={() => previous && onMove(previous)}
				>
					↑
				</button>
				<button
					type="button"
					class="quiet"
					aria-label="Next event"
					disabled={!next}
					onClick={() => next && onMove(next)}
				>
					↓
				</button>
				<CopyButton label="Copy the payload" text={() => text ?? ''} />
			</div>
			<dl class="facts">
				<Fact name="Time" title={event.createdAt}>
					{timeOfDay(event.createdAt)} <span class="hint">({event.createdAt} UTC)</span>
				</Fact>
				{previous && (
					<Fact name="After the previous one">{exactLengthOf(Math.max(0, event.time - previous.time))}</Fact>
				)}
				<Fact name="Stage">
					<bdi>{event.stage === null ? 'none' : visible(event.stage)}</bdi>
				</Fact>
				<Fact name="Id">
					<code>{event.id}</code>
				</Fact>
			</dl>
			{event.failure !== undefined && (
				// A long reason scrolls, so the keyboard must reach it.
				// biome-ignore lint/a11y/noNoninteractiveTabindex: see above.
				<section class="reason" aria-label="Reason" tabIndex={0} dir="auto">
					{visible(event.failure)}
				</section>
			)}
			{event.message !== null && event.message !== event.failure && (
				// A long message scrolls, so the keyboard must reach it.
				// biome-ignore lint/a11y/noNoninteractiveTabindex: see above.
				<section class="message-text" aria-label="Message" tabIndex={0} dir="auto">
					{visible(event.message)}
				</section>
			)}
			{texts.map(({ path, value }) => (
				<details key={path} class="long-text" open>
					<summary>{visible(path)}</summary>
					<section
						aria-label={visible(path)}
						// biome-ignore lint/a11y/noNoninteractiveTabindex: It may scroll.
						tabIndex={0}
					>
						{visible(value)}
					</section>
				</details>
			))}
			{problem && <p class="problem">{problem}</p>}
			{text === undefined ? (
				<p class="hint">{problem === undefined && 'Reading the payload…'}</p>
			) : text === '{}' ? (
				<p class="hint">The payload is empty.</p>
			) : (
				<JsonText key={event.id} label={`Payload of ${event.type}`} text={text} />
			)}
		</section>
	);
}

/** How many payloads are kept, so that going back and forth does not read them again. */
const MAX_KEPT = 20;
const MAX_CHARACTERS = 2_000_000;
const kept = new Map<string, string>();

function keep(id: string, payload: string): void {
	kept.set(id, payload);
	const total = () => [...kept.values()].reduce((sum, each) => sum + each.length, 0);
	while (kept.size > MAX_KEPT || (kept.size > 1 && total() > MAX_CHARACTERS)) {
		const [oldest = ''] = kept.keys();
		kept.delete(oldest);
	}
}

/** The payload as it is stored. The page keeps no payloads but those that somebody has just looked at. */
function usePayload(
	connect: Connect,
	sessionId: string,
	{ id, position }: Seen,
	previousId: string | undefined,
	nextId: string | undefined,
): { payload: string | undefined; problem: string | undefined } {
	const [, setRead] = useState<string>();
	const [problem, setProblem] = useState<string>();
	const isPlaced = position === 1 || previousId !== undefined || nextId !== undefined;
	useEffect(() => {
		if (kept.has(id) || !isPlaced) return;
		setProblem(undefined);
		const stop = new AbortController();
		const place = { sessionId, previousId, nextId, isFirst: position === 1 };
		readPayload(connect, place, stop.signal).then(
			(payload) => {
				keep(id, payload);
				setRead(id);
			},
			() => {
				if (!stop.signal.aborted)
					setProblem('The payload cannot be read now. Select the event again to retry.');
			},
		);
		return () => stop.abort();
	}, [connect, sessionId, id, isPlaced]);
	return { payload: kept.get(id), problem };
}
