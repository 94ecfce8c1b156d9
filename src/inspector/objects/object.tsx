import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Version } from '../../client/client.ts';
import { addressOf } from '../address.ts';
import type { ExactSession } from '../exact-json.ts';
import { GoOn, PastObject } from '../history/past-object.tsx';
import { type Looking, Slider } from '../history/slider.tsx';
import { versionAfter, versionsOf } from '../history/versions.ts';
import { JsonReader } from '../json/json.tsx';
import { pretty } from '../json/text.ts';
import type { JsonView } from '../json/view.ts';
import type { ObjectName } from '../model/object-names.ts';
import { TITLES } from '../model/object-names.ts';
import type { Connect } from '../service.ts';
import { draftOf } from './drafts.ts';
import { EditObject } from './edit.tsx';

/** One of the four objects, for reading or editing. */
export function SessionObject({
	connect,
	session,
	name,
	versions,
	position,
	now,
	mayWrite,
	mayFork,
	isOver,
}: {
	connect: Connect;
	session: ExactSession;
	name: ObjectName;
	/** All that are kept of the session, oldest first. */
	versions: readonly Version[];
	/** Of the selected event. */
	position: number | undefined;
	now: number;
	mayWrite: boolean;
	mayFork: boolean;
	isOver: boolean;
}) {
	const [isEditing, setEditing] = useState(draftOf(session.id, name) !== undefined);
	const editButton = useRef<HTMLButtonElement>(null);
	const wasEditing = useRef(false);
	const reader = useRef<JsonView>(undefined);
	const firstLine = useRef<number>(undefined);
	// The focus goes back to where the editing began.
	useLayoutEffect(() => {
		if (wasEditing.current && !isEditing) editButton.current?.focus();
		wasEditing.current = isEditing;
	}, [isEditing]);
	const json = session.objects[name];
	const title = TITLES[name];
	const own = useMemo(() => versionsOf(versions, name), [versions, name]);
	const [looking, setLooking] = useLooking(versions, own, position);
	const { version } = looking;
	if (isEditing) {
		return (
			<EditObject
				connect={connect}
				session={session}
				name={name}
				title={title}
				firstLine={firstLine.current}
				isOver={isOver}
				onClose={() => setEditing(false)}
			/>
		);
	}
	const hasPast = own.length > 1;
	const isPast = version !== undefined;
	return (
		<>
			<div class={hasPast ? 'object-bar' : 'object-actions'}>
				{hasPast && <Slider versions={own} looking={looking} onLook={setLooking} now={now} />}
				{isPast && (
					<GoOn
						key={version}
						connect={connect}
						id={session.id}
						version={version}
						mayFork={mayFork && !isOver}
						onDone={(id) => {
							setLooking({ ...looking, version: undefined });
							if (id !== session.id) location.hash = addressOf(id);
						}}
					/>
				)}
				{mayWrite && !isOver && !isPast && (
					<button
						ref={editButton}
						type="button"
						onClick={() => {
							firstLine.current = reader.current?.firstLine();
							setEditing(true);
						}}
					>
						Edit
					</button>
				)}
			</div>
			{isPast ? (
				<PastObject
					connect={connect}
					id={session.id}
					name={name}
					title={title}
					present={json}
					versions={own}
					looking={{ ...looking, version }}
				/>
			) : json === 'null' ? (
				<p class="hint">No {title.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())} yet.</p>
			) : (
				<ReadObject title={title} json={json} view={reader} />
			)}
		</>
	);
}

/** The version of an object that is shown: that of the selected event, until somebody moves the slider. */
function useLooking(
	versions: readonly Version[],
	own: readonly Version[],
	position: number | undefined,
): [Looking, (looking: Looking) => void] {
	const [looking, setLooking] = useState<Looking>({ version: undefined, against: 'before' });
	const isKnown = versions.length > 0;
	useEffect(() => {
		const then = position === undefined ? undefined : versionAfter(versions, position)?.version;
		const found = then === undefined ? undefined : own.findLast(({ version }) => version <= then);
		const isPresent = found === undefined || found === own.at(-1);
		setLooking((before) => ({ ...before, version: isPresent ? undefined : found.version }));
	}, [position, isKnown]);
	return [looking, setLooking];
}

function ReadObject({
	title,
	json,
	view,
}: {
	title: string;
	json: string;
	view: RefObject<JsonView | undefined>;
}) {
	const text = useMemo(() => pretty(json), [json]);
	return <JsonReader label={title} text={text} view={view} />;
}
