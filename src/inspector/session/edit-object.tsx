import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Problem, useAction } from '../components.tsx';
import { type ExactSession, type ObjectName, writeObject } from '../exact-json.ts';
import { JsonEditor, JsonText } from '../json/json.tsx';
import { compact, pretty, problemOf } from '../json/text.ts';
import type { JsonView } from '../json/view.ts';
import type { Connect } from '../service.ts';

/** Edits one object of a session as JSON. What somebody else writes meanwhile is shown, and never overwritten unseen. */
export function EditObject({
	connect,
	session,
	name,
	title,
	onClose,
}: {
	connect: Connect;
	session: ExactSession;
	name: ObjectName;
	title: string;
	onClose: (isWritten: boolean) => void;
}) {
	/** What the editor began with, or what the user has seen since as the version of somebody else. */
	const [base, setBase] = useState(session);
	const [theirs, setTheirs] = useState<ExactSession>();
	const [mistake, setMistake] = useState<string>();
	const editor = useRef<JsonView>(undefined);
	const action = useAction();
	const first = useRef(base.objects[name] === 'null' ? '{}' : pretty(base.objects[name]));
	useLayoutEffect(() => editor.current?.focus(), []);

	async function save(seen: ExactSession): Promise<void> {
		const text = editor.current?.text() ?? '';
		const wrong = problemOf(text);
		setMistake(wrong);
		if (wrong !== undefined) return;
		const written = await writeObject(connect, seen, name, compact(text));
		if (written.isWritten) return onClose(true);
		setTheirs(written.theirs);
	}

	function saveOverTheirs(seen: ExactSession): Promise<void> {
		setBase(seen);
		setTheirs(undefined);
		return save(seen);
	}

	const isBehind = theirs === undefined && session.objects[name] !== base.objects[name];
	return (
		<div class="edit">
			{theirs && (
				<div class="conflict" role="alert">
					<p>
						<strong>Somebody changed this object while you edited it.</strong> Nothing was overwritten. Below
						are both versions.
					</p>
				</div>
			)}
			<div class={theirs ? 'versions' : 'version'}>
				{theirs && (
					<section aria-label="Stored now">
						<h3>Stored now</h3>
						<JsonText
							key={theirs.etag}
							label={`${title}, stored now`}
							text={pretty(theirs.objects[name])}
							before={pretty(base.objects[name])}
						/>
					</section>
				)}
				<section aria-label="Yours">
					{theirs && <h3>Yours</h3>}
					<JsonEditor
						label={`${title}, as JSON`}
						text={first.current}
						view={editor}
						onEdit={() => setMistake(undefined)}
					/>
				</section>
			</div>
			<Problem text={mistake ?? action.problem} />
			<p class="hint" role="status">
				{isBehind && 'Somebody has changed this object since you began. Saving shows both versions first.'}
			</p>
			<div class="buttons">
				{theirs ? (
					<>
						<button
							type="button"
							class="danger"
							disabled={action.isRunning}
							onClick={() => action.run(() => saveOverTheirs(theirs))}
						>
							Overwrite with mine
						</button>
						<button type="button" onClick={() => onClose(true)}>
							Keep what is stored
						</button>
					</>
				) : (
					<>
						<button
							type="button"
							class="main"
							disabled={action.isRunning}
							onClick={() => action.run(() => save(base))}
						>
							{action.isRunning ? 'Saving…' : 'Save'}
						</button>
						<button type="button" onClick={() => onClose(false)}>
							Cancel
						</button>
					</>
				)}
			</div>
		</div>
	);
}
