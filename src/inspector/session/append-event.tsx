import { useRef, useState } from 'preact/hooks';
import { Dialog, Field, Problem, useAction } from '../components.tsx';
import { appendExact } from '../exact-json.ts';
import { JsonEditor } from '../json/json.tsx';
import { compact, problemOf } from '../json/text.ts';
import type { JsonView } from '../json/view.ts';
import { fieldsOf, keepFields } from '../objects/drafts.ts';
import type { Connect } from '../service.ts';

interface Fields {
	type: string;
	stage: string;
	message: string;
	/** The payload. */
	json: string;
}
const EMPTY: Fields = { type: '', stage: '', message: '', json: '{}' };

/** Appends an event. Its payload is sent as it is written. */
export function AppendEvent({ connect, id, onClose }: { connect: Connect; id: string; onClose: () => void }) {
	const form = `append ${id}`;
	const [{ json, ...fields }, setFields] = useState<Fields>(() => fieldsOf<Fields>(form) ?? EMPTY);
	const change = (changes: Partial<Fields>) => {
		const next = { json: payload.current?.text() ?? json, ...fields, ...changes };
		setFields(next);
		// Whoever closes the form by mistake finds it again as it was.
		keepFields(form, Object.values(next).some((value) => value !== '' && value !== '{}') ? next : undefined);
	};
	const [mistake, setMistake] = useState<string>();
	const payload = useRef<JsonView>(undefined);
	const action = useAction();

	async function append(): Promise<void> {
		const written = payload.current?.text() ?? '{}';
		const wrong = fields.type === '' ? 'An event needs a type.' : problemOf(written);
		setMistake(wrong);
		if (wrong !== undefined) return;
		const given = Object.entries(fields).filter(([, value]) => value !== '');
		const others = JSON.stringify(Object.fromEntries(given)).slice(0, -1);
		await appendExact(connect, id, `${others},"payload":${compact(written)}}`);
		keepFields(form, undefined);
		onClose();
	}

	const field = (name: 'type' | 'stage', label: string) => (
		<Field label={label}>
			{(fieldId) => (
				<input
					id={fieldId}
					maxLength={255}
					value={fields[name]}
					required={name === 'type'}
					onInput={({ currentTarget }) => change({ [name]: currentTarget.value })}
				/>
			)}
		</Field>
	);
	const hasText = Object.values({ json, ...fields }).some((value) => value !== '' && value !== '{}');
	return (
		<Dialog title="Append an event" onClose={onClose}>
			<form
				onSubmit={(event) => {
					event.preventDefault();
					action.run(append);
				}}
			>
				{field('type', 'Type')}
				{field('stage', 'Stage (optional)')}
				<Field label="Message (optional)">
					{(fieldId) => (
						<textarea
							id={fieldId}
							rows={3}
							maxLength={10_000}
							value={fields.message}
							onInput={({ currentTarget }) => change({ message: currentTarget.value })}
						/>
					)}
				</Field>
				<div class="field">
					<span class="label">Payload</span>
					<JsonEditor
						label="Payload, as JSON"
						text={json}
						view={payload}
						onEdit={() => {
							setMistake(undefined);
							change({});
						}}
					/>
				</div>
				<Problem text={mistake ?? action.problem} />
				<div class="buttons">
					<button type="submit" class="main" aria-disabled={action.isRunning}>
						Append
					</button>
					{hasText && (
						<button
							type="button"
							onClick={() => {
								keepFields(form, undefined);
								onClose();
							}}
						>
							Discard
						</button>
					)}
				</div>
			</form>
		</Dialog>
	);
}
