import { useState } from 'preact/hooks';
import { type SessionStatus, sessionStatuses } from '../../client/client.ts';
import { Problem, useAction } from '../components.tsx';
import { type ExactSession, writeUnlessChanged } from '../exact-json.ts';
import type { Connect } from '../service.ts';

/** Sets the status, unless it is another one by then than the user saw. */
export function SetStatus({
	connect,
	session,
	status,
	onWritten,
}: {
	connect: Connect;
	session: ExactSession;
	/** The one that is shown: the stream tells it before the session is read again. */
	status: SessionStatus;
	onWritten: () => void;
}) {
	const [chosen, setChosen] = useState<SessionStatus>();
	const [conflict, setConflict] = useState<string>();
	const action = useAction();
	async function set(wanted: SessionStatus): Promise<void> {
		setConflict(undefined);
		const written = await writeUnlessChanged(
			connect,
			{ ...session, status },
			(current) => current.status,
			(ifMatch) => connect().update(session.id, { status: wanted }, { ifMatch }),
		);
		if (written.isWritten) setChosen(undefined);
		else setConflict(`Not set: somebody made it “${written.theirs.status}” meanwhile.`);
		onWritten();
	}
	return (
		<form
			class="inline"
			onSubmit={(event) => {
				event.preventDefault();
				if (chosen !== undefined) action.run(() => set(chosen));
			}}
		>
			<select
				aria-label="Status"
				value={chosen ?? status}
				onChange={({ currentTarget }) =>
					setChosen(sessionStatuses.find((name) => name === currentTarget.value))
				}
			>
				{sessionStatuses.map((name) => (
					<option key={name}>{name}</option>
				))}
			</select>
			<button type="submit" disabled={action.isRunning || chosen === undefined || chosen === status}>
				Set the status
			</button>
			<Problem text={conflict ?? action.problem} />
		</form>
	);
}
