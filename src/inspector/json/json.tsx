import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { CopyButton } from '../components.tsx';
import type { Found, JsonView, Which } from './view.ts';

/** The editor is most of the page's code, so it arrives after the page. */
let loaded: typeof import('./view.ts') | undefined;
const load = async () => {
	loaded = await import('./view.ts');
	return loaded;
};

/** A JSON text for reading: it folds, and is searched and copied. */
export function JsonReader({
	label,
	text,
	view: given,
}: {
	label: string;
	text: string;
	view?: RefObject<JsonView | undefined>;
}) {
	const own = useRef<JsonView>(undefined);
	const view = given ?? own;
	const shown = useRef(text);
	shown.current = text;
	return (
		<div class="json">
			<Tools label={label} view={view} text={() => shown.current} />
			<JsonHost label={label} text={text} view={view} />
		</div>
	);
}

/** Searches, folds and copies what a view shows. */
function Tools({
	label,
	view,
	text,
}: {
	label: string;
	view: RefObject<JsonView | undefined>;
	text: () => string;
}) {
	const [sought, setSought] = useState('');
	const [found, setFound] = useState<Found>();
	const find = (what: string, which: Which) => {
		const place = view.current?.find(what, which);
		setFound(what === '' ? undefined : place);
	};
	return (
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
				disabled={!found?.of}
				onClick={() => find(sought, 'previous')}
			>
				↑
			</button>
			<button
				type="button"
				class="quiet"
				aria-label="Next match"
				disabled={!found?.of}
				onClick={() => find(sought, 'next')}
			>
				↓
			</button>
			<button type="button" class="quiet" onClick={() => view.current?.foldAll()}>
				Fold all
			</button>
			<button type="button" class="quiet" onClick={() => view.current?.unfoldAll()}>
				Unfold all
			</button>
			<CopyButton label="Copy" text={text} />
		</div>
	);
}

/** A JSON text for reading, without tools. The lines that are not in `before`, an earlier version of it, are marked. */
export function JsonText({ label, text, before }: { label: string; text: string; before?: string }) {
	const view = useRef<JsonView>(undefined);
	return <JsonHost label={label} text={text} before={before} view={view} />;
}

/** A JSON text for editing. `view` gives access to what was written. It begins at a line, where a reader was. */
export function JsonEditor(props: {
	label: string;
	text: string;
	view: RefObject<JsonView | undefined>;
	onEdit: () => void;
	hasTools?: boolean;
	firstLine?: number | undefined;
	isFocused?: boolean;
}) {
	const { label, view, hasTools } = props;
	return (
		<div class="json">
			{hasTools && <Tools label={label} view={view} text={() => view.current?.text() ?? ''} />}
			<JsonHost {...props} />
		</div>
	);
}

/** Holds the view. A text for reading is shown again when it changes; one for editing belongs to whoever edits it. */
function JsonHost({
	label,
	text,
	before,
	view,
	onEdit,
	firstLine,
	isFocused,
}: {
	label: string;
	text: string;
	before?: string | undefined;
	view: RefObject<JsonView | undefined>;
	onEdit?: () => void;
	firstLine?: number | undefined;
	isFocused?: boolean;
}) {
	const host = useRef<HTMLDivElement>(null);
	const latest = useRef({ text, before, onEdit });
	latest.current = { text, before, onEdit };
	const show = () => {
		if (onEdit === undefined) view.current?.show(text, before === undefined ? 'for a while' : 'lastingly');
	};
	// At once if it can be, so that whoever opens an editor can type.
	useLayoutEffect(() => {
		let made: JsonView | undefined;
		let isGone = false;
		const make = ({ newJsonView }: typeof import('./view.ts')) => {
			if (!host.current || isGone) return;
			const { current } = latest;
			made = newJsonView(host.current, {
				label,
				text: current.before ?? current.text,
				onEdit: onEdit && (() => latest.current.onEdit?.()),
			});
			view.current = made;
			if (current.before !== undefined) made.show(current.text, 'lastingly');
			if (firstLine !== undefined) made.goTo(firstLine);
			if (isFocused) made.focus();
		};
		if (loaded) make(loaded);
		else void load().then(make);
		return () => {
			isGone = true;
			made?.destroy();
			view.current = undefined;
		};
	}, []);
	useEffect(show, [text, before]);
	return <div class="json-host" ref={host} />;
}
