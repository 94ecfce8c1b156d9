import { useState } from 'preact/hooks';
import { type SessionStatus, sessionStatuses } from '../../client/client.ts';
import { Problem, useAction } from '../components.tsx';
import { type SessionHead, writeUnlessChanged } from '../exact-json.ts';
import type { Connect } from '../service.ts';

/** Who waits for an answer is told of a failure soon. */
const SOON = { timeoutMs: 5000, maxRetries: 1 };

/** Sets the status, unless it is another one by then than the user saw. */
export function SetStatus({ connect, session }: { connect: Connect; session: SessionHead }) {
	const [chosen, setChosen] = useState<SessionStatus>();
	const [conflict, setConflict] = useState<string>();
	const action = useAction();
	const { status } = session;
	async function set(wanted: SessionStatus): Promise<void> {
		setConflict(undefined);
		const written = await writeUnlessChanged(
			connect,
			session,
			(ifMatch) => connect().update(session.id, { status: wanted }, { ifMatch, ...SOON }),
			(theirs) => theirs.status !== status,
		);
		if (written.isWritten) setChosen(undefined);
		else setConflict(`Not set: somebody made it “${written.theirs.status}” meanwhile.`);
	}
	return (
		<form
			class="inline"
			onSubmit={(event) => {
				event.preventDefault();
				if (chosen !== undefined && chosen !== status) action.run(() => set(chosen));
			}}
		>
			<select
				aria-label="Status"
				value={chosen ?? status}
				onChange={({ currentTarget }) => {
					action.clear();
					setConflict(undefined);
					setChosen(sessionStatuses.find((name) => name === currentTarget.value));
				}}
			>
				{sessionStatuses.map((name) => (
					<option key={name}>{name}</option>
				))}
			</select>
			{/* A button that is disabled would lose the focus. */}
			<button type="submit" aria-disabled={action.isRunning || chosen === undefined || chosen === status}>
				{action.isRunning ? 'Setting…' : 'Set the status'}
			</button>
			<Problem text={conflict ?? action.problem} />
		</form>
	);
}
