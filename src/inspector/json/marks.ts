import { type Range, StateEffect, type StateEffectType, StateField } from '@codemirror/state';
import {
	Decoration,
	type DecorationSet,
	Direction,
	EditorView,
	MatchDecorator,
	ViewPlugin,
} from '@codemirror/view';

const mark = (name: string) => Decoration.mark({ class: name });
/** Text that runs from right to left must not reorder the JSON around it. */
const isolated = (name: string) => Decoration.mark({ class: name, bidiIsolate: Direction.LTR });
const MARKS = {
	name: isolated('name'),
	string: isolated('string'),
	number: mark('number'),
	word: mark('word'),
};

const tokens = new MatchDecorator({
	regexp: /"(?:[^"\\]|\\.)*"(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g,
	decoration: ([token, colon]) => {
		if (colon !== undefined) return MARKS.name;
		if (token.startsWith('"')) return MARKS.string;
		return /^[-\d]/.test(token) ? MARKS.number : MARKS.word;
	},
	// A string may fill a line of 400,000 characters: then no more than its visible part is colored.
	maxLength: 5000,
});

/** Colors of the tokens that are in view. A string of JSON never spans lines, so no parser is needed. */
export const colors = ViewPlugin.define(
	(view) => ({
		decorations: tokens.createDeco(view),
		update(update) {
			this.decorations = tokens.updateDeco(update, this.decorations);
		},
	}),
	{ decorations: ({ decorations }) => decorations },
);

/** Positions of the lines to mark as changed. None removes the marks. */
export const markLines = StateEffect.define<readonly number[]>();
/** The place that a search has found. Undefined removes the mark. */
export const markFound = StateEffect.define<{ from: number; to: number } | undefined>();

const changedLine = Decoration.line({ class: 'changed' });
const foundText = Decoration.mark({ class: 'found' });

/** Marks that stay with their text until an effect replaces them. */
const marked = <T>(type: StateEffectType<T>, rangesOf: (value: T) => Range<Decoration>[]) =>
	StateField.define<DecorationSet>({
		create: () => Decoration.none,
		update(marks, transaction) {
			for (const effect of transaction.effects) {
				if (effect.is(type)) return Decoration.set(rangesOf(effect.value));
			}
			return marks.map(transaction.changes);
		},
		provide: (field) => EditorView.decorations.from(field),
	});

export const marks = [
	marked(markLines, (positions) => positions.map((position) => changedLine.range(position))),
	marked(markFound, (place) => (place ? [foundText.range(place.from, place.to)] : [])),
];
