import { Dialog, Problem, useAction } from '../components.tsx';
import type { Connect } from '../service.ts';

/** Asks before it deletes a session. */
export function DeleteSession({
	connect,
	id,
	count,
	onClose,
	onDeleted,
}: {
	connect: Connect;
	id: string;
	/** Of its events. */
	count: number;
	onClose: () => void;
	onDeleted: () => void;
}) {
	const action = useAction();
	const remove = async () => {
		await connect().delete(id);
		onDeleted();
	};
	return (
		<Dialog title="Delete this session?" onClose={onClose}>
			<p>
				This deletes <code>{id}</code>, its {count.toLocaleString('en')} events and its keys. It cannot be
				undone.
			</p>
			<Problem text={action.problem} />
			<div class="buttons">
				<button type="button" onClick={onClose}>
					Keep it
				</button>
				<button
					type="button"
					class="danger"
					aria-disabled={action.isRunning}
					onClick={() => action.run(remove)}
				>
					Delete it
				</button>
			</div>
		</Dialog>
	);
}
