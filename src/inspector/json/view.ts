import { history, historyKeymap } from '@codemirror/commands';
import { EditorState } from '@codemirror/state';
import { EditorView, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import { changeBetween } from './changes.ts';
import { folding, foldMembers, unfoldAll } from './folding.ts';
import { keys } from './keys.ts';
import { colors, markFound, markLines, marks } from './marks.ts';
import { theme } from './theme.ts';

/** How long changed lines stay marked. */
const MARKED_MS = 4000;

export interface JsonView {
	text(): string;
	/** Shows another text. What is the same keeps its folds; lines that are new are marked. */
	show(text: string, marked?: 'for a while' | 'lastingly'): void;
	/** Folds the members of the object. */
	foldAll(): void;
	unfoldAll(): void;
	/** Selects a place that has the text, in any case of letters. Returns which one of how many. */
	find(text: string, which: Which): Found;
	/** Shows a line, the first being 1, and puts the cursor at a column of it. */
	goTo(line: number, column?: number): void;
	/** The first line that is in view. */
	firstLine(): number;
	focus(): void;
	destroy(): void;
}

/** Seen from the selection. `here` is the selection itself, or the next place after its beginning. */
export type Which = 'here' | 'next' | 'previous';

export interface Found {
	at: number;
	of: number;
}

export interface JsonViewOptions {
	label: string;
	text: string;
	/** Called after each edit. Without it the text is for reading only. */
	onEdit?: (() => void) | undefined;
}

/** Controls of direction would reorder what one reads, and some characters have no width: each is shown by its number. */
const special = highlightSpecialChars({
	addSpecialChars: /[\u200c\u202a-\u202c\u2060-\u2064\u2066-\u2069]/g,
	render(code) {
		const shown = document.createElement('span');
		shown.className = 'special';
		shown.textContent = `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
		return shown;
	},
});

const MAX_WRAPPED = 20_000;
const hasLongLine = (text: string): boolean => {
	for (let at = 0; at < text.length; ) {
		const end = text.indexOf('\n', at);
		if ((end === -1 ? text.length : end) - at > MAX_WRAPPED) return true;
		if (end === -1) return false;
		at = end + 1;
	}
	return false;
};

/** Shows JSON in an element. Only the lines in view are in the document, whatever the size of the text. */
export function newJsonView(parent: HTMLElement, { label, text, onEdit }: JsonViewOptions): JsonView {
	// In a shadow root the editor adopts its style sheets. In the document it would insert a style element, which the
	// page's policy forbids.
	const root = parent.shadowRoot ?? parent.attachShadow({ mode: 'open' });
	const isReadOnly = onEdit === undefined;
	const view = new EditorView({
		parent: root,
		root,
		state: EditorState.create({
			doc: text,
			extensions: [
				theme,
				colors,
				marks,
				folding,
				special,
				// A line of 400,000 characters would be laid out as a whole.
				hasLongLine(text) ? [] : EditorView.lineWrapping,
				keys,
				keymap.of(historyKeymap),
				EditorState.tabSize.of(2),
				EditorState.readOnly.of(isReadOnly),
				EditorView.contentAttributes.of({
					'aria-label': label,
					tabindex: '0',
					...(isReadOnly ? { 'aria-readonly': 'true' } : {}),
				}),
				isReadOnly
					? []
					: [
							history(),
							lineNumbers(),
							EditorView.updateListener.of(({ docChanged }) => {
								if (docChanged) onEdit();
							}),
						],
			],
		}),
	});
	let timer: ReturnType<typeof setTimeout> | undefined;
	return {
		text: () => view.state.doc.toString(),
		show(next, marked = 'for a while') {
			const change = changeBetween(view.state.doc.toString(), next);
			if (change === undefined) return;
			const { newLines, ...changes } = change;
			view.dispatch({ changes, effects: markLines.of(newLines) });
			clearTimeout(timer);
			if (marked === 'lastingly') return;
			timer = setTimeout(() => view.dispatch({ effects: markLines.of([]) }), MARKED_MS);
		},
		foldAll: () => foldMembers(view),
		unfoldAll: () => unfoldAll(view),
		find: (sought, which) => find(view, sought, which),
		goTo(line, column = 1) {
			const { from, to } = view.state.doc.line(Math.min(Math.max(1, line), view.state.doc.lines));
			const at = Math.min(to, from + column - 1);
			view.dispatch({
				selection: { anchor: at },
				effects: EditorView.scrollIntoView(at, { y: column === 1 ? 'start' : 'center' }),
			});
		},
		firstLine() {
			const { top } = view.scrollDOM.getBoundingClientRect();
			return view.state.doc.lineAt(view.lineBlockAtHeight(top - view.documentTop).from).number;
		},
		focus: () => view.focus(),
		destroy() {
			clearTimeout(timer);
			view.destroy();
		},
	};
}

function find(view: EditorView, sought: string, which: Which): Found {
	if (sought === '') {
		view.dispatch({ effects: markFound.of(undefined) });
		return { at: 0, of: 0 };
	}
	const { doc, selection } = view.state;
	const found = doc.toString().matchAll(new RegExp(sought.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'giu'));
	const places = Array.from(found, ({ index, 0: text }) => ({ from: index, to: index + text.length }));
	const { from, to } = selection.main;
	const wanted =
		which === 'previous'
			? places.findLastIndex((place) => place.from < from)
			: places.findIndex((place) => place.from >= from && (which === 'here' || place.to > to));
	const at = wanted !== -1 ? wanted : which === 'previous' ? places.length - 1 : 0;
	const place = places[at];
	if (place === undefined) {
		view.dispatch({ effects: markFound.of(undefined) });
		return { at: 0, of: 0 };
	}
	view.dispatch({
		selection: { anchor: place.from, head: place.to },
		// A selection shows only where the focus is, and that stays in the search field.
		effects: [EditorView.scrollIntoView(place.from, { y: 'center' }), markFound.of(place)],
	});
	return { at: at + 1, of: places.length };
}
