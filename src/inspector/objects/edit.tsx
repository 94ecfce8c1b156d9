import { useEffect, useRef, useState } from 'preact/hooks';
import { CopyButton, Problem, useAction } from '../components.tsx';
import { type ExactSession, saveChanges } from '../exact-json.ts';
import { JsonEditor, JsonText } from '../json/json.tsx';
import { type Change, changesBetween, conflictsIn, valueAt } from '../json/patch.ts';
import { compact, pretty, problemOf } from '../json/text.ts';
import type { JsonView } from '../json/view.ts';
import type { ObjectName } from '../model/object-names.ts';
import type { Connect } from '../service.ts';
import { Changes } from './changes.tsx';
import { type Draft, draftOf, dropDraft, keepDraft } from './drafts.ts';

const layout = (json: string): string => (json === 'null' ? '{}' : pretty(json));
/** The changes are listed when somebody has stopped typing for a moment. */
const PAUSE_MS = 250;

/**
 * Edits one object of a session as JSON. Only what somebody has changed is written, so what others write into the same object
 * meanwhile stays. Where both changed the same member, both versions are shown, and nothing is written until somebody chooses.
 */
export function EditObject({
	connect,
	session,
	name,
	title,
	firstLine,
	isOver,
	onClose,
}: {
	connect: Connect;
	/** As it is now. */
	session: ExactSession;
	name: ObjectName;
	title: string;
	/** Where the reader was. */
	firstLine: number | undefined;
	/** Whether the session has ended, so that nothing can be saved. */
	isOver: boolean;
	onClose: () => void;
}) {
	const [draft] = useState<Draft>(() => {
		const text = layout(session.objects[name]);
		return draftOf(session.id, name) ?? { base: session, first: text, text };
	});
	const { base } = draft;
	const [theirs, setTheirs] = useState<ExactSession>();
	const [conflicts, setConflicts] = useState<readonly Change[]>([]);
	const [mistake, setMistake] = useState<string>();
	const [changes, setChanges] = useState<readonly Change[] | undefined>([]);
	const editor = useRef<JsonView>(undefined);
	const action = useAction();
	const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
	useEffect(() => () => clearTimeout(timer.current), []);

	const changesOf = (text: string, from: ExactSession): Change[] | undefined =>
		problemOf(text) === undefined ? changesBetween(compactOf(from), text) : undefined;
	const compactOf = (from: ExactSession) => (from.objects[name] === 'null' ? '{}' : from.objects[name]);

	function edited(): void {
		const text = editor.current?.text() ?? draft.text;
		keepDraft(name, { ...draft, text });
		setMistake(undefined);
		clearTimeout(timer.current);
		timer.current = setTimeout(() => setChanges(changesOf(text, base)), PAUSE_MS);
	}
	useEffect(() => {
		if (draft.first !== draft.text) setChanges(changesOf(draft.text, base));
	}, []);

	function close(): void {
		dropDraft(session.id, name);
		onClose();
	}

	async function save(seen: ExactSession): Promise<void> {
		const text = editor.current?.text() ?? draft.text;
		const wrong = problemOf(text);
		setMistake(wrong);
		if (wrong !== undefined) {
			const [, line, column] = /line (\d+) column (\d+)/.exec(wrong) ?? [];
			if (line !== undefined) editor.current?.goTo(Number(line), Number(column));
			return;
		}
		if (compact(text) === seen.objects[name]) return close();
		await write(seen, changesOf(text, seen) ?? [], text);
	}

	/** What somebody has written goes over what is stored now. Other members that changed meanwhile stay. */
	async function overwrite(seen: ExactSession): Promise<void> {
		const text = editor.current?.text() ?? draft.text;
		const mine = (changesOf(text, base) ?? []).map((change) => ({
			...change,
			before: valueAt(compactOf(seen), change.path),
		}));
		await write(seen, mine, text);
	}

	async function write(seen: ExactSession, mine: readonly Change[], text: string): Promise<void> {
		const saved = await saveChanges(connect, seen, name, mine, compact(text));
		if (saved.isWritten) return close();
		setTheirs(saved.theirs);
		setConflicts(saved.conflicts);
	}

	const news = session.objects[name] === base.objects[name] ? undefined : session.objects[name];
	const meeting =
		news === undefined || theirs !== undefined
			? []
			: conflictsIn(changes ?? [], news === 'null' ? '{}' : news);
	const isUnchanged = changes?.length === 0 && (editor.current?.text() ?? draft.text) === draft.first;
	return (
		<div class="edit">
			{theirs && (
				<div class="conflict" role="alert">
					<p>
						<strong>Somebody changed the same part while you edited it.</strong> Nothing was overwritten.
						Below are both versions.
					</p>
					<Changes changes={conflicts} theirs={theirs.objects[name]} />
				</div>
			)}
			<div class={theirs ? 'versions' : 'version'}>
				{theirs && (
					<section aria-label="Stored now">
						<h3>Stored now</h3>
						<JsonText
							key={theirs.etag}
							label={`${title}, stored now`}
							text={layout(theirs.objects[name])}
							before={layout(base.objects[name])}
						/>
					</section>
				)}
				<section aria-label="Yours">
					{theirs && <h3>Yours</h3>}
					<JsonEditor
						label={`${title}, as JSON`}
						text={draft.text}
						view={editor}
						onEdit={edited}
						hasTools={theirs === undefined}
						firstLine={firstLine}
						isFocused
					/>
				</section>
			</div>
			{!theirs && changes !== undefined && changes.length > 0 && <Changes changes={changes} />}
			<Problem text={mistake ?? action.problem} />
			<p class="hint" role="status">
				{isOver
					? 'The session has ended, so this cannot be saved. Copy what you need.'
					: meeting.length > 0
						? 'Somebody has changed the same part since you began. Saving shows both versions first.'
						: news !== undefined && !theirs && 'Somebody has changed other parts of this object. They stay.'}
			</p>
			<div class="buttons">
				{theirs ? (
					<>
						<button
							type="button"
							class="danger"
							aria-disabled={action.isRunning}
							onClick={() => action.run(() => overwrite(theirs))}
						>
							Overwrite with my version
						</button>
						<button type="button" onClick={close}>
							Discard my changes
						</button>
					</>
				) : (
					<>
						{!isOver && (
							<button
								type="button"
								class="main"
								aria-disabled={action.isRunning}
								onClick={() => action.run(() => save(base))}
							>
								{action.isRunning ? 'Saving…' : 'Save my change'}
							</button>
						)}
						<button type="button" onClick={close}>
							{isUnchanged ? 'Cancel' : 'Discard my changes'}
						</button>
						{isOver && <CopyButton label="Copy my text" text={() => editor.current?.text() ?? ''} />}
					</>
				)}
			</div>
		</div>
	);
}
