import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Event } from '../../client/client.ts';
import { timeOfDay } from '../time.ts';

/** The height of each row in pixels; the style sheet says the same. */
const ROW = 30;
/** Rows that are drawn above and below those in view. */
const SPARE = 8;

const has = (text: string | null, sought: string): boolean => text?.toLowerCase().includes(sought) ?? false;
const rowId = (event: Event | undefined) => (event ? `row-${event.id}` : undefined);

/** The events, of which only those in view are in the document. */
export function EventList({
	events,
	count,
	isRunning,
	selected,
	onSelect,
}: {
	events: readonly Event[];
	count: number;
	isRunning: boolean;
	selected: Event | undefined;
	onSelect: (event: Event) => void;
}) {
	const box = useRef<HTMLDivElement>(null);
	const [sought, setSought] = useState('');
	const [view, setView] = useState({ top: 0, height: 300 });
	const [isAtEnd, setAtEnd] = useState(true);
	/** The events that were there at first are not news. */
	const known = useRef<number>(undefined);
	if (known.current === undefined && isRunning) known.current = count;

	// The array grows in place: its count tells of new ones.
	const shown = useMemo(() => {
		const wanted = sought.trim().toLowerCase();
		if (wanted === '') return events;
		return events.filter(
			({ type, stage, message }) => has(type, wanted) || has(stage, wanted) || has(message, wanted),
		);
	}, [events, count, sought]);

	useLayoutEffect(() => {
		if (box.current && isAtEnd) box.current.scrollTop = box.current.scrollHeight;
	}, [count, isAtEnd, sought]);

	useEffect(() => {
		if (!box.current) return;
		const observer = new ResizeObserver(([entry]) => {
			if (entry) setView((before) => ({ ...before, height: entry.contentRect.height }));
		});
		observer.observe(box.current);
		return () => observer.disconnect();
	}, []);

	function scrolled({ currentTarget }: { currentTarget: HTMLDivElement }): void {
		const { scrollTop, scrollHeight, clientHeight } = currentTarget;
		setView({ top: scrollTop, height: clientHeight });
		setAtEnd(scrollTop + clientHeight >= scrollHeight - ROW);
	}

	function reveal(index: number): void {
		const { current } = box;
		if (!current) return;
		const top = index * ROW;
		if (top < current.scrollTop) current.scrollTop = top;
		else if (top + ROW > current.scrollTop + current.clientHeight) {
			current.scrollTop = top + ROW - current.clientHeight;
		}
	}

	function pressed(event: KeyboardEvent): void {
		const at = selected ? shown.indexOf(selected) : -1;
		const page = Math.max(1, Math.floor(view.height / ROW) - 1);
		const steps: Record<string, number> = {
			ArrowDown: at + 1,
			ArrowUp: at - 1,
			PageDown: at + page,
			PageUp: at - page,
			Home: 0,
			End: shown.length - 1,
		};
		const wanted = steps[event.key];
		if (wanted === undefined || shown.length === 0) return;
		event.preventDefault();
		const index = Math.min(Math.max(wanted, 0), shown.length - 1);
		const next = shown[index];
		if (!next) return;
		setAtEnd(index === shown.length - 1);
		reveal(index);
		onSelect(next);
	}

	// A selection from elsewhere, such as the timeline, comes into view.
	useEffect(() => {
		const index = selected ? shown.indexOf(selected) : -1;
		if (index === -1) return;
		if (index < shown.length - 1) setAtEnd(false);
		reveal(index);
	}, [selected]);

	const first = Math.max(0, Math.floor(view.top / ROW) - SPARE);
	const rows = shown.slice(first, Math.ceil((view.top + view.height) / ROW) + SPARE);
	const isNews = (index: number) => sought === '' && known.current !== undefined && index >= known.current;
	return (
		<section class="card events" aria-labelledby="events-title">
			<div class="card-head">
				<h2 id="events-title">
					Events <span class="count">{count.toLocaleString('en')}</span>
				</h2>
				<input
					type="search"
					aria-label="Show the events that have this text"
					placeholder="Filter"
					value={sought}
					onInput={({ currentTarget }) => setSought(currentTarget.value)}
				/>
				<button type="button" class="quiet" disabled={isAtEnd} onClick={() => setAtEnd(true)}>
					{isAtEnd ? 'Following' : 'Follow'}
				</button>
			</div>
			<div
				ref={box}
				class="event-rows"
				role="listbox"
				tabIndex={0}
				aria-label="Events, oldest first"
				aria-activedescendant={rowId(selected && rows.includes(selected) ? selected : undefined)}
				onScroll={scrolled}
				onKeyDown={pressed}
			>
				<div class="event-space" role="presentation" style={{ height: `${shown.length * ROW}px` }}>
					{rows.map((event, index) => (
						// The list takes the keys: see aria-activedescendant.
						// biome-ignore lint/a11y/useKeyWithClickEvents: see above.
						// biome-ignore lint/a11y/useFocusableInteractive: see above.
						<div
							key={event.id}
							id={rowId(event)}
							class={isNews(first + index) ? 'event news' : 'event'}
							role="option"
							aria-selected={event === selected}
							aria-setsize={shown.length}
							aria-posinset={first + index + 1}
							style={{ top: `${(first + index) * ROW}px` }}
							onClick={() => onSelect(event)}
						>
							<time dateTime={event.createdAt} title={event.createdAt}>
								{timeOfDay(event.createdAt)}
							</time>
							<span class="type">{event.type}</span>
							<span class="stage">{event.stage}</span>
							<span class="message">{event.message}</span>
						</div>
					))}
				</div>
			</div>
			{shown.length === 0 && (
				<p class="hint">{sought === '' ? 'No event yet.' : 'No event has this text.'}</p>
			)}
		</section>
	);
}
