/**
 * Folds the objects and arrays of a JSON. CodeMirror's own folding needs its parser, which has a tenth of the page's size, and
 * takes seconds for a text that nests a hundred deep.
 */
import {
	type EditorState,
	type Extension,
	RangeSet,
	StateEffect,
	StateField,
	type Text,
} from '@codemirror/state';
import {
	Decoration,
	type DecorationSet,
	EditorView,
	GutterMarker,
	gutter,
	keymap,
	WidgetType,
} from '@codemirror/view';
import { foldRanges, type Range } from './fold-ranges.ts';

/** The gutter asks for each line in view again and again. */
const known = new WeakMap<Text, ReadonlyMap<number, Range>>();

/** What folds at a line. */
function rangeAt({ doc }: EditorState, lineStart: number): Range | undefined {
	const ranges = known.get(doc) ?? foldRanges(doc.iterLines());
	known.set(doc, ranges);
	return ranges.get(lineStart);
}

const fold = StateEffect.define<readonly Range[]>();
/** Unfolds what begins in a range, or everything. */
const unfold = StateEffect.define<Range | 'all'>();

class Placeholder extends WidgetType {
	readonly lines: number;
	constructor(lines: number) {
		super();
		this.lines = lines;
	}
	override eq(other: Placeholder): boolean {
		return other.lines === this.lines;
	}
	override toDOM(view: EditorView): HTMLElement {
		const shown = document.createElement('span');
		shown.className = 'cm-foldPlaceholder';
		shown.title = 'Unfold';
		shown.textContent = this.lines === 1 ? '1 line' : `${this.lines.toLocaleString('en')} lines`;
		shown.onclick = () => {
			const at = view.posAtDOM(shown);
			view.dispatch({ effects: unfold.of({ from: at, to: at }) });
		};
		return shown;
	}
	override ignoreEvent(): boolean {
		return false;
	}
}

const folded = StateField.define<DecorationSet>({
	create: () => Decoration.none,
	update(before, { changes, effects, state, selection }) {
		let marks = before.map(changes);
		for (const effect of effects) {
			if (effect.is(fold)) {
				const added = effect.value.map(({ from, to }) => {
					const lines = state.doc.lineAt(to).number - state.doc.lineAt(from).number - 1;
					return Decoration.replace({ widget: new Placeholder(lines) }).range(from, to);
				});
				marks = marks.update({ add: added, sort: true });
			} else if (effect.is(unfold)) {
				const { value } = effect;
				marks =
					value === 'all'
						? Decoration.none
						: marks.update({ filter: (from) => from < value.from || from > value.to });
			}
		}
		// What is selected, such as a match of a search, is seen. So is what somebody has changed in a fold.
		const { from, to } = selection?.main ?? { from: -1, to: -1 };
		if (from !== -1 || !changes.empty) {
			marks = marks.update({
				filter: (start, end) => (from === -1 || to <= start || from >= end) && end > start,
			});
		}
		return marks;
	},
	provide: (field) => [
		EditorView.decorations.from(field),
		EditorView.atomicRanges.of((view) => view.state.field(field)),
	],
});

function isFoldedAt(state: EditorState, { from, to }: Range): boolean {
	let isFolded = false;
	state.field(folded).between(from, to, (start) => {
		if (start === from) isFolded = true;
	});
	return isFolded;
}

class Arrow extends GutterMarker {
	readonly isFolded: boolean;
	constructor(isFolded: boolean) {
		super();
		this.isFolded = isFolded;
	}
	override eq(other: Arrow): boolean {
		return other.isFolded === this.isFolded;
	}
	override toDOM(): Node {
		const shown = document.createElement('span');
		shown.title = this.isFolded ? 'Unfold' : 'Fold';
		shown.textContent = this.isFolded ? '›' : '⌄';
		return shown;
	}
}
const [OPEN, FOLDED] = [new Arrow(false), new Arrow(true)];

function toggle(view: EditorView, lineStart: number): boolean {
	const range = rangeAt(view.state, lineStart);
	if (range === undefined) return false;
	const effects = isFoldedAt(view.state, range)
		? unfold.of({ from: range.from, to: range.from })
		: fold.of([range]);
	view.dispatch({ effects });
	return true;
}

/** The line of the cursor, or the nearest one above it that is folded or not, as wanted. */
function atCursor(view: EditorView, wantsFolded: boolean): boolean {
	const { state } = view;
	const line = state.doc.lineAt(state.selection.main.head);
	for (let { number } = line; number >= 1; number -= 1) {
		const { from } = state.doc.line(number);
		const range = rangeAt(state, from);
		if (!range || (number < line.number && range.to < line.from)) continue;
		if (isFoldedAt(state, range) === wantsFolded) return toggle(view, from);
	}
	return false;
}

export const folding: Extension = [
	folded,
	gutter({
		class: 'cm-foldGutter',
		markers: () => RangeSet.empty,
		lineMarker(view, { from }) {
			const range = rangeAt(view.state, from);
			if (range === undefined) return null;
			return isFoldedAt(view.state, range) ? FOLDED : OPEN;
		},
		lineMarkerChange: ({ docChanged, transactions }) =>
			docChanged ||
			transactions.some(({ effects }) => effects.some((effect) => effect.is(fold) || effect.is(unfold))),
		domEventHandlers: { click: (view, { from }) => toggle(view, from) },
	}),
	keymap.of([
		{ key: 'Ctrl-Shift-[', mac: 'Cmd-Alt-[', run: (view) => atCursor(view, false) },
		{ key: 'Ctrl-Shift-]', mac: 'Cmd-Alt-]', run: (view) => atCursor(view, true) },
	]),
];

/** Folds each member of the outermost object. */
export function foldMembers(view: EditorView): void {
	const { state } = view;
	const ranges: Range[] = [];
	for (let number = 2; number <= state.doc.lines; number += 1) {
		const range = rangeAt(state, state.doc.line(number).from);
		if (range === undefined) continue;
		if (!isFoldedAt(state, range)) ranges.push(range);
		number = state.doc.lineAt(range.to).number;
	}
	view.dispatch({ effects: fold.of(ranges) });
}

export const unfoldAll = (view: EditorView): void => view.dispatch({ effects: unfold.of('all') });
