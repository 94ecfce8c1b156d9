import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { EventDetail } from '../events/detail.tsx';
import { EventList } from '../events/list.tsx';
import { useLooking } from '../history/use-looking.ts';
import { useVersions } from '../history/use-versions.ts';
import { Divider, useSize } from '../layout/divider.tsx';
import { isWhole } from '../live/log.ts';
import { watchSession } from '../live/watch.ts';
import { OBJECTS, type ObjectName } from '../model/object-names.ts';
import type { Seen } from '../model/seen.ts';
import { Panel, type Tab, tabOf } from '../objects/panel.tsx';
import { useNow, useStore } from '../observable.ts';
import type { Access, Connection } from '../service.ts';
import { stretchOf } from '../timeline/head.tsx';
import { TimelineView } from '../timeline/timeline.tsx';
import { ActionDialog, type Opened, SessionActions } from './actions.tsx';
import { SessionDetails } from './details.tsx';
import { SessionHeading } from './heading.tsx';
import type { MadeKey } from './keys.tsx';
import { useShortcuts } from './shortcuts.tsx';
import { titleIn, usePageTitle } from './title.ts';
import { useJudged } from './use-judged.ts';
import { useLook } from './use-look.ts';
import { VerdictLine } from './verdict.tsx';

/** One session, as it happens. */
export function SessionPage({
	connection: { connect, clock },
	access,
	id,
	onDeleted,
}: {
	connection: Connection;
	access: Access;
	id: string;
	onDeleted: () => void;
}) {
	const watch = useMemo(() => watchSession(connect, clock, id), [connect, clock, id]);
	useEffect(() => watch.stop, [watch]);
	const live = useStore(watch);
	const { log, head, objects, problem } = live;
	const now = useNow(clock, 1000);
	const [look, setLook] = useLook(id);
	const [open, setOpen] = useState<Opened>();
	const [hasDetails, setDetails] = useState(false);
	const [keys, setKeys] = useState<readonly MadeKey[]>([]);
	const search = useRef<HTMLInputElement>(null);
	const timelineSize = useSize('timeline', Math.round(Math.max(200, innerHeight * 0.3)), 90, 900);
	const eventsSize = useSize('events', 50, 20, 80);

	const versions = useVersions(connect, id, isWhole(log) ? head?.etag : undefined);
	const [looking, setLooking] = useLooking(look, setLook, versions);
	const judged = useJudged(live, versions, watch.isCurrent(), now);
	const { stages, alike, verdict, known, end } = judged;
	const { events } = log;
	const at = look.event === undefined ? -1 : look.event - (events[0]?.position ?? 1);
	const selected: Seen | undefined = events[at];
	/** What the session has first. It stays the same when the session gets another object. */
	const firstTab = useRef<ObjectName>(undefined);
	firstTab.current ??= objects && (OBJECTS.find((name) => objects[name] !== 'null') ?? 'prd');
	const tab: Tab = tabOf(look.tab) ?? (selected ? 'event' : (firstTab.current ?? 'prd'));
	const session = useMemo(() => (head && objects ? { ...head, objects } : undefined), [head, objects]);
	const title = useMemo(() => objects && titleIn(objects), [objects?.prd, objects?.productObject]);
	usePageTitle(
		title ?? id,
		head?.status,
		known?.failedPart !== undefined ||
			(verdict.failures.latest !== undefined && !verdict.failures.isRecovered),
	);

	const isOver = live.connection === 'ended';
	const range = look.range && stretchOf(look.range, events[0]?.time ?? end, end);
	const select = (event: Seen) => setLook({ event: event.position, tab: 'event' });
	function showPanel(changes: Parameters<typeof setLook>[0]): void {
		setLook(changes);
		// On a phone the panel is below.
		if (matchMedia('(max-width: 820px)').matches)
			document.querySelector('#panel')?.scrollIntoView({ block: 'start' });
	}
	const showEvent = (event: Seen) => showPanel({ event: event.position, tab: 'event' });
	useShortcuts({
		search: () => search.current?.focus(),
		move(step) {
			const next = selected ? events[at + step] : events.at(-1);
			if (next) select(next);
		},
		failure(step) {
			const next = judged.nextFailure(selected, step);
			if (next) select(next);
		},
		escape() {
			if (look.event !== undefined)
				setLook({ event: undefined, tab: tab === 'event' ? undefined : look.tab });
			else setLook({ range: undefined });
		},
		help: () => setOpen('help'),
	});

	return (
		<article class="session" aria-labelledby="session-title">
			<SessionHeading
				id={id}
				title={title}
				status={head?.status}
				connection={live.connection}
				hasList={access.list}
				hasDetails={hasDetails}
				onDetails={() => setDetails(!hasDetails)}
			>
				{head && (
					<SessionActions connect={connect} access={access} head={head} isOver={isOver} onOpen={setOpen} />
				)}
			</SessionHeading>
			{problem !== undefined && (
				<p class="problem" role="alert">
					{problem}
				</p>
			)}
			{head && known && (
				<>
					<VerdictLine
						verdict={verdict}
						known={known}
						now={now}
						alike={alike}
						selected={selected}
						onSelect={showEvent}
						onTab={(next) => showPanel({ tab: next, version: undefined })}
					/>
					{hasDetails && <SessionDetails head={head} now={now} isOver={isOver} />}
					<div
						class="workbench"
						style={{
							'--timeline': `${timelineSize.value}px`,
							'--events': `${eventsSize.value}fr`,
							'--panel': `${100 - eventsSize.value}fr`,
						}}
					>
						<TimelineView
							stages={stages}
							events={judged.marks}
							statuses={judged.statuses}
							end={end}
							range={look.range}
							onRange={(next) => setLook({ range: next })}
							selected={
								selected ?? judged.marks.find(({ id, position }) => id === '' && position === looking.version)
							}
							// The mark of a version shows what that changed.
							onSelect={(mark) =>
								mark.id === ''
									? showPanel({ tab: mark.named ?? tab, version: mark.position })
									: showEvent(mark)
							}
							alike={alike}
							hint={judged.hint}
						/>
						<Divider label="Height of the timeline" size={timelineSize} direction="rows" />
						<div class="columns">
							<EventList
								log={log}
								filter={{ type: look.type, text: look.text, range }}
								onFilter={setLook}
								selected={selected}
								onSelect={showEvent}
								alike={alike}
								longestStage={judged.longestStage}
								now={known.isCurrent ? now : undefined}
								isReading={live.connection === 'connecting'}
								ended={isOver}
								search={search}
							/>
							<Divider
								label="Width of the events"
								size={eventsSize}
								direction="columns"
								perPixel={(separator) => 100 / (separator.parentElement?.clientWidth ?? 1000)}
							/>
							<Panel
								connect={connect}
								session={session}
								changed={live.changed}
								tab={tab}
								onTab={(next) => setLook({ tab: next })}
								versions={versions}
								looking={looking}
								onLook={setLooking}
								now={now}
								mayWrite={access.write}
								mayFork={access.write && access.list}
								isOver={isOver}
							>
								{selected ? (
									<EventDetail
										connect={connect}
										sessionId={id}
										selected={{ event: selected, previous: events[at - 1], next: events[at + 1] }}
										onMove={select}
									/>
								) : (
									<p class="hint">
										{look.event !== undefined && look.event <= log.total
											? 'Reading the events…'
											: 'Select an event in the list or in the timeline.'}
									</p>
								)}
							</Panel>
						</div>
					</div>
				</>
			)}
			<ActionDialog
				open={open}
				connect={connect}
				access={access}
				id={id}
				count={log.total}
				now={now}
				keys={keys}
				onKeys={setKeys}
				onClose={() => setOpen(undefined)}
				onDeleted={onDeleted}
			/>
		</article>
	);
}
