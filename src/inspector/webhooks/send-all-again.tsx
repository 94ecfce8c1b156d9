import { useState } from 'preact/hooks';
import type { Webhooks } from '../../client/webhooks.ts';
import { Dialog, Field, Problem, useAction } from '../components.tsx';

const MINUTE_MS = 60_000;

/** A time as a field for local times has it, rounded down to the minute. */
const localMinute = (time: number): string =>
	new Date(time - new Date(time).getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16);

/** Asks since when, and sends again all that has failed since then. */
export function SendAllAgain({
	calls,
	id,
	oldest,
	onSent,
	onClose,
}: {
	calls: Webhooks;
	id: string;
	/** When the oldest message happened that the page shows. */
	oldest: string | undefined;
	onSent: (words: string) => void;
	onClose: () => void;
}) {
	const [since, setSince] = useState(() =>
		localMinute(oldest === undefined ? Date.now() : Date.parse(oldest)),
	);
	const action = useAction();
	async function send(): Promise<void> {
		let count = 0;
		let from: string | null = new Date(since).toISOString();
		// One call makes some of them due, and says where the next one goes on.
		while (from !== null) {
			const made = await calls.replay(id, from);
			count += made.count;
			from = made.goesOnFrom;
		}
		onSent(
			count === 1
				? 'One message is sent again now.'
				: `${count.toLocaleString('en')} messages are sent again now.`,
		);
	}
	return (
		<Dialog title="Send all again" onClose={onClose}>
			<form
				onSubmit={(event) => {
					event.preventDefault();
					action.run(send);
				}}
			>
				<Field
					label="Everything that has happened since"
					hint="By the clock of this device. All that has not arrived is sent again, also what was given up, with the same ids."
				>
					{(field) => (
						<input
							id={field}
							type="datetime-local"
							required
							value={since}
							onInput={({ currentTarget }) => setSince(currentTarget.value)}
						/>
					)}
				</Field>
				<Problem text={action.problem} />
				<div class="buttons">
					<button type="submit" class="main" aria-disabled={action.isRunning}>
						{action.isRunning ? 'Sending…' : 'Send again'}
					</button>
				</div>
			</form>
		</Dialog>
	);
}
