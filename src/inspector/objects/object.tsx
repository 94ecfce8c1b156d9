import type { RefObject } from 'preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Version } from '../../client/client.ts';
import { addressOf } from '../address.ts';
import type { ExactSession } from '../exact-json.ts';
import { GoOn, PastObject } from '../history/past-object.tsx';
import { type Looking, Slider } from '../history/slider.tsx';
import { versionsOf } from '../history/versions.ts';
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
	looking: asked,
	onLook,
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
	/** The version of the session that is looked at. */
	looking: Looking;
	onLook: (looking: Looking) => void;
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
	// The object has not changed since its latest version up to then.
	const then = own.findLast((each) => each.version <= (asked.version ?? Number.POSITIVE_INFINITY));
	const version = then === own.at(-1) ? undefined : (then?.version ?? asked.version);
	const looking: Looking = { version, against: asked.against };
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
				{hasPast && <Slider versions={own} looking={looking} onLook={onLook} now={now} />}
				{isPast && (
					<GoOn
						key={version}
						connect={connect}
						id={session.id}
						version={version}
						mayFork={mayFork && !isOver}
						onDone={(id) => {
							onLook({ ...looking, version: undefined });
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
