import { codeFolding, foldable, foldEffect, foldGutter, foldKeymap, foldService } from '@codemirror/language';
import type { EditorState, Text } from '@codemirror/state';
import { type EditorView, keymap } from '@codemirror/view';
import { foldRanges, type Range } from './fold-ranges.ts';

/** The gutter asks for each line in view again and again. */
const known = new WeakMap<Text, ReadonlyMap<number, Range>>();

function rangeAt({ doc }: EditorState, lineStart: number): Range | null {
	const ranges = known.get(doc) ?? foldRanges(doc.iterLines());
	known.set(doc, ranges);
	return ranges.get(lineStart) ?? null;
}

export const folding = [
	foldService.of(rangeAt),
	codeFolding({
		preparePlaceholder: ({ doc }, { from, to }) => doc.lineAt(to).number - doc.lineAt(from).number - 1,
		placeholderDOM(_view, onclick, lines: number) {
			const placeholder = document.createElement('span');
			placeholder.className = 'cm-foldPlaceholder';
			placeholder.title = 'Unfold';
			placeholder.textContent = lines === 1 ? '1 line' : `${lines.toLocaleString('en')} lines`;
			placeholder.onclick = onclick;
			return placeholder;
		},
	}),
	foldGutter(),
	keymap.of(foldKeymap),
];

/** Folds each member of the outermost object. */
export function foldMembers(view: EditorView): void {
	const { state } = view;
	const effects = [];
	for (let number = 2; number <= state.doc.lines; number += 1) {
		const line = state.doc.line(number);
		const range = foldable(state, line.from, line.to);
		if (range === null) continue;
		effects.push(foldEffect.of(range));
		number = state.doc.lineAt(range.to).number;
	}
	view.dispatch({ effects });
}
