import { useRef, useState } from 'preact/hooks';
import { Dialog, Field, Problem, useAction } from '../components.tsx';
import { appendExact } from '../exact-json.ts';
import { JsonEditor } from '../json/json.tsx';
import { compact, problemOf } from '../json/text.ts';
import type { JsonView } from '../json/view.ts';
import type { Connect } from '../service.ts';

/** Appends an event. Its payload is sent as it is written. */
export function AppendEvent({ connect, id, onClose }: { connect: Connect; id: string; onClose: () => void }) {
	const [fields, setFields] = useState({ type: '', stage: '', message: '' });
	const [mistake, setMistake] = useState<string>();
	const payload = useRef<JsonView>(undefined);
	const action = useAction();

	async function append(): Promise<void> {
		const json = payload.current?.text() ?? '{}';
		const wrong = fields.type === '' ? 'An event needs a type.' : problemOf(json);
		setMistake(wrong);
		if (wrong !== undefined) return;
		const given = Object.entries(fields).filter(([, value]) => value !== '');
		const others = JSON.stringify(Object.fromEntries(given)).slice(0, -1);
		await appendExact(connect, id, `${others},"payload":${compact(json)}}`);
		onClose();
	}

	const field = (name: keyof typeof fields, label: string) => (
		<Field label={label}>
			{(fieldId) => (
				<input
					id={fieldId}
					value={fields[name]}
					required={name === 'type'}
					onInput={({ currentTarget }) => setFields({ ...fields, [name]: currentTarget.value })}
				/>
			)}
		</Field>
	);
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
				{field('message', 'Message (optional)')}
				<div class="field">
					<span class="label">Payload</span>
					<JsonEditor
						label="Payload, as JSON"
						text="{}"
						view={payload}
						onEdit={() => setMistake(undefined)}
					/>
				</div>
				<Problem text={mistake ?? action.problem} />
				<div class="buttons">
					<button type="submit" class="main" disabled={action.isRunning}>
						Append
					</button>
				</div>
			</form>
		</Dialog>
	);
}
