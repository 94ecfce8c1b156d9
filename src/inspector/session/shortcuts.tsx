import { useLayoutEffect, useState } from 'preact/hooks';
import { Dialog } from '../components.tsx';

const ITEM = 'inspector.shortcuts';

/** What the keys of the page do, outside of fields. */
export interface Shortcuts {
	search(): void;
	move(step: 1 | -1): void;
	failure(step: 1 | -1): void;
	escape(): void;
	help(): void;
}

export const areShortcutsOn = (): boolean => localStorage.getItem(ITEM) !== 'off';

/** Runs a shortcut for each key that is pressed outside of a field or dialog. */
export function useShortcuts(shortcuts: Shortcuts): void {
	// Before the page is painted: a key that is pressed at once must act on what the page shows, and not on what it showed before.
	useLayoutEffect(() => {
		const pressed = (event: KeyboardEvent) => {
			if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
			const target = event.composedPath()[0];
			const isField =
				target instanceof HTMLElement &&
				(target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
			if (isField || document.querySelector('dialog[open]')) return;
			const keys: Record<string, () => void> = {
				'/': shortcuts.search,
				j: () => shortcuts.move(1),
				k: () => shortcuts.move(-1),
				f: () => shortcuts.failure(1),
				F: () => shortcuts.failure(-1),
				'?': shortcuts.help,
			};
			const action =
				event.key === 'Escape' ? shortcuts.escape : areShortcutsOn() ? keys[event.key] : undefined;
			if (!action) return;
			event.preventDefault();
			action();
		};
		addEventListener('keydown', pressed);
		return () => removeEventListener('keydown', pressed);
	});
}

const LIST = [
	['/', 'Filter the events'],
	['j, k', 'The next event, the previous one'],
	['f, Shift+F', 'The next failure, the previous one'],
	['Esc', 'Close the event, then show the whole timeline'],
	['?', 'This list'],
	['+, −, ←, →, 0', 'In the timeline: zoom, move, show all'],
] as const;

/** Lists the keys, and turns those off that are single characters: who dictates text may type them by mistake. */
export function ShortcutHelp({ onClose }: { onClose: () => void }) {
	const [isOn, setOn] = useState(areShortcutsOn);
	return (
		<Dialog title="Keys" onClose={onClose}>
			<dl class="shortcuts">
				{LIST.map(([keys, what]) => (
					<div key={keys}>
						<dt>
							<kbd>{keys}</kbd>
						</dt>
						<dd>{what}</dd>
					</div>
				))}
			</dl>
			<label class="check">
				<input
					type="checkbox"
					checked={isOn}
					onChange={({ currentTarget }) => {
						localStorage.setItem(ITEM, currentTarget.checked ? 'on' : 'off');
						setOn(currentTarget.checked);
					}}
				/>{' '}
				Use keys that are single characters
			</label>
		</Dialog>
	);
}
