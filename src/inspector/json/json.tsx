import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { CopyButton } from '../components.tsx';
import { type Found, type JsonView, newJsonView, type Which } from './view.ts';

/** A JSON text for reading: it folds, and is searched and copied. */
export function JsonReader({ label, text }: { label: string; text: string }) {
	const view = useRef<JsonView>(undefined);
	const shown = useRef(text);
	shown.current = text;
	const [sought, setSought] = useState('');
	const [found, setFound] = useState<Found>();
	useEffect(() => view.current?.show(text), [text]);
	const find = (what: string, which: Which) => {
		const place = view.current?.find(what, which);
		setFound(what === '' ? undefined : place);
	};
	return (
		<div class="json">
			<div class="json-tools" role="toolbar" aria-label={`${label}: tools`}>
				<input
					type="search"
					aria-label={`Search in ${label}`}
					placeholder="Search"
					value={sought}
					onInput={({ currentTarget }) => {
						setSought(currentTarget.value);
						find(currentTarget.value, 'here');
					}}
					onKeyDown={(event) => {
						if (event.key === 'Enter') find(sought, event.shiftKey ? 'previous' : 'next');
					}}
				/>
				<span class="found" role="status">
					{found && (found.of === 0 ? 'none' : `${found.at} of ${found.of}`)}
				</span>
				<button
					type="button"
					class="quiet"
					aria-label="Previous match"
					onClick={() => find(sought, 'previous')}
				>
					↑
				</button>
				<button type="button" class="quiet" aria-label="Next match" onClick={() => find(sought, 'next')}>
					↓
				</button>
				<button type="button" class="quiet" onClick={() => view.current?.foldAll()}>
					Fold all
				</button>
				<button type="button" class="quiet" onClick={() => view.current?.unfoldAll()}>
					Unfold all
				</button>
				<CopyButton label="Copy" text={() => shown.current} />
			</div>
			<JsonHost label={label} text={text} view={view} />
		</div>
	);
}

/** A JSON text for reading, without tools. The lines that are not in `before`, an earlier version of it, are marked. */
export function JsonText({ label, text, before }: { label: string; text: string; before?: string }) {
	const view = useRef<JsonView>(undefined);
	useEffect(
		() => view.current?.show(text, before === undefined ? 'for a while' : 'lastingly'),
		[text, before],
	);
	return <JsonHost label={label} text={before ?? text} view={view} />;
}

/** A JSON text for editing. `view` gives access to what was written. */
export const JsonEditor = (props: {
	label: string;
	text: string;
	view: RefObject<JsonView | undefined>;
	onEdit: () => void;
}) => <JsonHost {...props} />;

/** Holds the view. The first text is its own; later ones are shown by the caller. */
function JsonHost({
	label,
	text,
	view,
	onEdit,
}: {
	label: string;
	text: string;
	view: RefObject<JsonView | undefined>;
	onEdit?: () => void;
}) {
	const host = useRef<HTMLDivElement>(null);
	// At once, so that whoever opens an editor can type.
	useLayoutEffect(() => {
		if (!host.current) return;
		const made = newJsonView(host.current, { label, text, onEdit });
		view.current = made;
		return () => made.destroy();
	}, []);
	return <div class="json-host" ref={host} />;
}
