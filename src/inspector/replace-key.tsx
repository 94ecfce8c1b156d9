import type { Link } from './address.ts';
import { Dialog, Problem, useAction } from './components.tsx';
import type { SignedIn } from './use-sign-in.ts';

/** How the page calls a key: by its first characters, as `npm run keys list` does. They give no access. */
export const nameOf = (key: string): string => (key.startsWith('rt_') ? `${key.slice(0, 16)}…` : 'a token');

/** Asks before a link replaces the key of this tab. */
export function ReplaceKey({
	used: { credential, access },
	link,
	onReplace,
	onClose,
}: {
	used: SignedIn;
	link: Link;
	onReplace: () => Promise<void>;
	onClose: () => void;
}) {
	const action = useAction();
	return (
		<Dialog title="Use another key in this tab?" onClose={onClose}>
			<p>
				This tab uses <code>{nameOf(credential)}</code>
				{access.owner !== undefined && ` of ${access.owner}`}. A link asks it to use{' '}
				{link.kind === 'code' ? 'the local key of npm run dev' : <code>{nameOf(link.secret)}</code>}.
			</p>
			<p>
				If you did not open that link yourself, keep your key. Another key loses the edits that are not saved.
			</p>
			<Problem text={action.problem} />
			<div class="buttons">
				<button type="button" class="main" onClick={onClose}>
					Keep my key
				</button>
				<button type="button" aria-disabled={action.isRunning} onClick={() => action.run(onReplace)}>
					Use the key of the link
				</button>
			</div>
		</Dialog>
	);
}
