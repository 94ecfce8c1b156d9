import { codeFolding, foldable, foldEffect, foldGutter, foldKeymap, foldService } from '@codemirror/language';
import type { EditorState, Text } from '@codemirror/state';
import { type EditorView, keymap } from '@codemirror/view';

interface Range {
	from: number;
	to: number;
}

const indentOf = (line: string): number => line.length - line.trimStart().length;

/** The gutter asks for each line in view again and again, and a range may be as long as the text. */
const known = new WeakMap<Text, Map<number, Range | null>>();

/** The range that folds at a line, by indentation, which is how the page lays JSON out. */
function rangeAt({ doc }: EditorState, lineStart: number): Range | null {
	const ranges = known.get(doc) ?? new Map<number, Range | null>();
	known.set(doc, ranges);
	let range = ranges.get(lineStart);
	if (range === undefined) {
		range = findRange(doc, lineStart);
		ranges.set(lineStart, range);
	}
	return range;
}

function findRange(doc: Text, lineStart: number): Range | null {
	const first = doc.lineAt(lineStart);
	if (!/[{[]\s*$/.test(first.text)) return null;
	const indent = indentOf(first.text);
	let position = first.to + 1;
	for (const line of doc.iterLines(first.number + 1)) {
		if (line.trim() !== '' && indentOf(line) <= indent) return { from: first.to, to: position + indent };
		position += line.length + 1;
	}
	return null;
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
