import { useEffect, useMemo, useRef } from 'preact/hooks';
import { ShortName } from '../components.tsx';
import type { Log } from '../live/log.ts';
import { type Seen, stageOf } from '../model/seen.ts';
import { momentOf, timeOfDay } from '../time.ts';
import { inOneLine, visible } from '../visible.ts';
import { FAILURES, type Filter, filtered, typesIn } from './filter.ts';
import { ROW, useRows } from './use-rows.ts';

/** How long an event is marked as one that has just come. */
const NEWS_MS = 3000;
const MAX_TYPES = 100;
/** Longer types may be cut, and their last words say what happened. */
const SHORT = 20;
/** A message has up to 10,000 characters, and a row shows some of them. */
const MAX_SHOWN = 300;

const DAY_MS = 86_400_000;

const rowId = (event: Seen | undefined) => (event ? `row-${event.id}` : undefined);

/** What an event says beside its type, which may be all there is to say of a failure. */
const summaryOf = ({ message, failure, type, gist }: Seen): string =>
	message ?? (failure === type ? undefined : failure) ?? gist ?? '';

/** The events, of which only those in view are in the document. */
export function EventList({
	log: { events, total },
	filter,
	onFilter,
	selected,
	onSelect,
	alike,
	longestStage,
	now,
	isReading,
	ended,
	search,
}: {
	log: Log;
	filter: Filter;
	onFilter: (filter: { type?: string | undefined; text?: string | undefined }) => void;
	selected: Seen | undefined;
	onSelect: (event: Seen) => void;
	/** What the names of the stages begin with alike. */
	alike: string;
	/** How many characters the longest of these names has without that: the columns take the room that they need. */
	longestStage: number;
	/** The service's time. Undefined while nothing can be new. */
	now: number | undefined;
	/** Whether the first events have not arrived yet. */
	isReading: boolean;
	ended: boolean;
	/** The field of the filter, for the keys of the page. */
	search: { current: HTMLInputElement | null };
}) {
	const box = useRef<HTMLDivElement>(null);
	const { type, text, range } = filter;
	const rows = useMemo(
		() => filtered(events, { type, text, range }),
		[events, type, text, range?.from, range?.to],
	);
	const types = useMemo(() => typesIn(events), [events]);
	const longestType = useMemo(() => types.reduce((most, [name]) => Math.max(most, name.length), 0), [types]);
	const failures = useMemo(() => events.filter(({ failure }) => failure !== undefined).length, [events]);
	const view = useRows(box, rows, total);

	function pressed(event: KeyboardEvent): void {
		const at = selected ? rows.indexOf(selected) : -1;
		const steps: Record<string, number> = {
			ArrowDown: at + 1,
			ArrowUp: at - 1,
			PageDown: at + view.perPage,
			PageUp: at - view.perPage,
			Home: 0,
			End: rows.length - 1,
		};
		const wanted = steps[event.key];
		if (wanted === undefined || rows.length === 0) return;
		event.preventDefault();
		const index = Math.min(Math.max(wanted, 0), rows.length - 1);
		const next = rows[index];
		if (!next) return;
		view.reveal(index);
		onSelect(next);
	}

	// A selection from elsewhere, such as the timeline, comes into view.
	useEffect(() => {
		const index = selected ? rows.indexOf(selected) : -1;
		if (index !== -1) view.reveal(index);
	}, [selected]);

	const shown = rows.slice(view.first, view.end);
	const isFiltered = rows !== events;
	const missing = total - events.length;
	// After days, the date tells more than the milliseconds.
	const isLong = (events.at(-1)?.time ?? 0) - (events[0]?.time ?? 0) >= DAY_MS;
	/** The events that were there at first are not news. */
	const known = useRef(0);
	if (known.current === 0 && now !== undefined) known.current = total || -1;
	const isNews = ({ position, time }: Seen) =>
		now !== undefined && position > known.current && now - time < NEWS_MS;
	return (
		<section class="card events" aria-labelledby="events-title">
			<div class="card-head">
				<h2 id="events-title">
					Events <span class="count">{total.toLocaleString('en')}</span>
				</h2>
				<select
					aria-label="Filter by type"
					value={type ?? ''}
					onChange={({ currentTarget }) => onFilter({ type: currentTarget.value || undefined })}
				>
					<option value="">All types</option>
					{(failures > 0 || type === FAILURES) && (
						<option value={FAILURES}>✖ Failures ({failures.toLocaleString('en')})</option>
					)}
					{types.slice(0, MAX_TYPES).map(([name, count]) => (
						<option key={name} value={name}>
							{visible(name)} ({count.toLocaleString('en')})
						</option>
					))}
				</select>
				<input
					ref={search}
					type="search"
					aria-label="Filter events"
					placeholder="Filter events"
					value={text ?? ''}
					onInput={({ currentTarget }) => onFilter({ text: currentTarget.value || undefined })}
				/>
				{!ended && (
					<button type="button" class="quiet" disabled={view.isFollowing} onClick={view.follow}>
						{view.isFollowing
							? 'Following'
							: view.unseen > 0
								? `Paused: ${view.unseen.toLocaleString('en')} new ↓`
								: 'Paused: follow ↓'}
					</button>
				)}
			</div>
			{(isFiltered || missing > 0) && (
				<p class="hint shown-count">
					{isFiltered && `${rows.length.toLocaleString('en')} shown`}
					{isFiltered && range && ' in the time that the timeline shows'}
					{isFiltered && missing > 0 && '; '}
					{missing > 0 && `reading ${missing.toLocaleString('en')} earlier ones`}
				</p>
			)}
			<div
				ref={box}
				class="event-rows"
				style={{ '--type': `${longestType + (failures > 0 ? 2 : 0)}ch`, '--stage': `${longestStage}ch` }}
				role="listbox"
				tabIndex={0}
				aria-label="Events, oldest first"
				aria-activedescendant={rowId(selected && shown.includes(selected) ? selected : undefined)}
				// A list of options must have some.
				{...(rows.length === 0 && { role: 'region' })}
				{...view.on}
				onKeyDown={pressed}
			>
				<div class="event-space" role="presentation" style={{ height: `${rows.length * ROW}px` }}>
					{shown.map((event, index) => (
						// The list takes the keys: see aria-activedescendant.
						// biome-ignore lint/a11y/useKeyWithClickEvents: see above.
						// biome-ignore lint/a11y/useFocusableInteractive: see above.
						<div
							key={event.id}
							id={rowId(event)}
							class={`event${event.failure === undefined ? '' : ' failed'}${isNews(event) ? ' news' : ''}`}
							role="option"
							aria-selected={event === selected}
							aria-setsize={rows.length}
							aria-posinset={view.first + index + 1}
							style={{ top: `${(view.first + index) * ROW}px` }}
							onClick={() => onSelect(event)}
						>
							<time dateTime={event.createdAt} title={event.createdAt}>
								{isLong ? momentOf(event.time, 0).slice(0, -3) : timeOfDay(event.createdAt)}
							</time>
							<span class="type" dir="auto">
								{event.failure !== undefined && <span class="cross">✖ </span>}
								{event.type.length > SHORT ? (
									<ShortName kind="long" name={visible(event.type)} />
								) : (
									visible(event.type)
								)}
							</span>
							<span class="about">
								<ShortName kind="stage" name={visible(stageOf(event))} alike={alike} isNarrow />
								<span class="message" dir="auto">
									{inOneLine(summaryOf(event).slice(0, MAX_SHOWN))}
								</span>
							</span>
						</div>
					))}
				</div>
				{rows.length === 0 && (
					<p class="hint">
						{isFiltered
							? 'No event passes the filter.'
							: isReading
								? 'Reading the events…'
								: ended
									? 'This session had no events.'
									: 'No event yet. Each one appears here as it happens.'}
					</p>
				)}
			</div>
		</section>
	);
}
