import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type ExactSession, OBJECTS, type ObjectName } from '../exact-json.ts';
import { JsonReader } from '../json/json.tsx';
import { pretty } from '../json/text.ts';
import type { Connect } from '../service.ts';
import { EditObject } from './edit-object.tsx';

const TITLES: Record<ObjectName, string> = {
	prd: 'PRD',
	plan: 'Plan',
	productObject: 'Product object',
	assemblyState: 'Assembly state',
};
/** How long a tab says that its object changed. */
const NEWS_MS = 4000;

/** The four objects, of which one is shown. */
export function Objects({
	connect,
	session,
	changed,
	now,
	mayWrite,
	onWritten,
}: {
	connect: Connect;
	session: ExactSession;
	changed: Partial<Record<ObjectName, number>>;
	now: number;
	mayWrite: boolean;
	onWritten: () => void;
}) {
	const [name, setName] = useState<ObjectName>(
		OBJECTS.find((name) => session.objects[name] !== 'null') ?? 'prd',
	);
	const [isEditing, setEditing] = useState(false);
	const editButton = useRef<HTMLButtonElement>(null);
	const wasEditing = useRef(false);
	// The focus goes back to where the editing began.
	useLayoutEffect(() => {
		if (wasEditing.current && !isEditing) editButton.current?.focus();
		wasEditing.current = isEditing;
	}, [isEditing]);
	const json = session.objects[name];
	const isNews = (each: ObjectName) => now - (changed[each] ?? 0) < NEWS_MS;
	const title = TITLES[name];

	function pressed(event: KeyboardEvent): void {
		const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
		if (step === undefined || isEditing) return;
		const next = OBJECTS[(OBJECTS.indexOf(name) + step + OBJECTS.length) % OBJECTS.length];
		if (next === undefined) return;
		event.preventDefault();
		setName(next);
		document.getElementById(`tab-${next}`)?.focus();
	}

	return (
		<section class="card objects" aria-labelledby="objects-title">
			<div class="card-head">
				<h2 id="objects-title" class="hidden">
					Objects
				</h2>
				<div role="tablist" aria-labelledby="objects-title" onKeyDown={pressed}>
					{OBJECTS.map((each) => (
						<button
							key={each}
							id={`tab-${each}`}
							type="button"
							role="tab"
							aria-selected={each === name}
							aria-controls="object-panel"
							tabIndex={each === name ? 0 : -1}
							disabled={isEditing && each !== name}
							onClick={() => setName(each)}
						>
							{TITLES[each]}
							<span class={isNews(each) ? 'dot news' : 'dot'} />
							{isNews(each) && <span class="hidden"> changed</span>}
						</button>
					))}
				</div>
				{mayWrite && !isEditing && (
					<button ref={editButton} type="button" onClick={() => setEditing(true)}>
						Edit
					</button>
				)}
			</div>
			<div id="object-panel" role="tabpanel" aria-labelledby={`tab-${name}`} class="object">
				{isEditing ? (
					<EditObject
						key={name}
						connect={connect}
						session={session}
						name={name}
						title={title}
						onClose={(isWritten) => {
							setEditing(false);
							if (isWritten) onWritten();
						}}
					/>
				) : json === 'null' ? (
					<p class="hint">The session has none yet.</p>
				) : (
					<ReadObject key={name} title={title} json={json} />
				)}
			</div>
		</section>
	);
}

function ReadObject({ title, json }: { title: string; json: string }) {
	return <JsonReader label={title} text={pretty(json)} />;
}
