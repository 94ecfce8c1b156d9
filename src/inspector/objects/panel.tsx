import type { ComponentChildren } from 'preact';
import type { Version } from '../../client/client.ts';
import type { ExactSession } from '../exact-json.ts';
import type { Looking } from '../history/slider.tsx';
import { OBJECTS, type ObjectName, TITLES } from '../model/object-names.ts';
import type { Connect } from '../service.ts';
import { draftOf } from './drafts.ts';
import { SessionObject } from './object.tsx';

/** How long a tab says that its object changed. */
const NEWS_MS = 4000;

export const TABS = ['event', ...OBJECTS] as const;
export type Tab = (typeof TABS)[number];
export const tabOf = (name: string | undefined): Tab | undefined => TABS.find((each) => each === name);

/** The selected event and the four objects, of which one is shown. */
export function Panel({
	connect,
	session,
	changed,
	tab,
	onTab,
	versions,
	looking,
	onLook,
	now,
	mayWrite,
	mayFork,
	isOver,
	children,
}: {
	connect: Connect;
	/** Undefined until its objects have arrived. */
	session: ExactSession | undefined;
	changed: Partial<Record<ObjectName, number>>;
	tab: Tab;
	onTab: (tab: Tab) => void;
	versions: readonly Version[];
	/** The version at which the objects are shown. */
	looking: Looking;
	onLook: (looking: Looking) => void;
	now: number;
	mayWrite: boolean;
	mayFork: boolean;
	isOver: boolean;
	/** The selected event. */
	children: ComponentChildren;
}) {
	const isNews = (each: Tab) => each !== 'event' && Date.now() - (changed[each] ?? 0) < NEWS_MS;
	const isDraft = (each: Tab) =>
		each !== 'event' && session !== undefined && draftOf(session.id, each) !== undefined;

	function pressed(event: KeyboardEvent): void {
		const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
		if (step === undefined) return;
		const next = TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length];
		if (next === undefined) return;
		event.preventDefault();
		onTab(next);
		document.getElementById(`tab-${next}`)?.focus();
	}

	return (
		<section class="card objects" id="panel" aria-labelledby="objects-title">
			<div class="card-head">
				<h2 id="objects-title" class="hidden">
					Details
				</h2>
				<div role="tablist" aria-labelledby="objects-title" onKeyDown={pressed}>
					{TABS.map((each) => (
						<button
							key={each}
							id={`tab-${each}`}
							type="button"
							role="tab"
							aria-selected={each === tab}
							aria-controls="object-panel"
							tabIndex={each === tab ? 0 : -1}
							onClick={() => onTab(each)}
						>
							{each === 'event' ? 'Event' : TITLES[each]}
							{isDraft(each) && (
								<span title="Not saved">
									<span aria-hidden="true"> ✎</span>
									<span class="hidden"> not saved</span>
								</span>
							)}
							<span class={isNews(each) ? 'dot news' : 'dot'} />
							{isNews(each) && <span class="hidden"> changed</span>}
						</button>
					))}
				</div>
			</div>
			<div id="object-panel" role="tabpanel" aria-labelledby={`tab-${tab}`} class="object">
				{tab === 'event' ? (
					children
				) : session === undefined ? (
					<p class="hint">Reading…</p>
				) : (
					<SessionObject
						key={`${session.id} ${tab}`}
						connect={connect}
						session={session}
						name={tab}
						versions={versions}
						looking={looking}
						onLook={onLook}
						now={now}
						mayWrite={mayWrite}
						mayFork={mayFork}
						isOver={isOver}
					/>
				)}
			</div>
		</section>
	);
}
