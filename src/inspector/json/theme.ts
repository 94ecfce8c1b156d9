import { EditorView } from '@codemirror/view';

/** The colors are those of the page: custom properties reach into the shadow root. */
export const theme = EditorView.theme({
	'&': { height: '100%', fontSize: '12.5px', color: 'var(--text)', backgroundColor: 'var(--field)' },
	// The class cm-focused comes a moment later.
	'&.cm-editor:focus-within': { outline: '2px solid var(--focus)' },
	'.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.5' },
	'.cm-gutters': { backgroundColor: 'var(--field)', color: 'var(--muted)', border: 'none' },
	'.cm-foldGutter .cm-gutterElement': { cursor: 'pointer', padding: '0 4px' },
	'.cm-content': { caretColor: 'var(--text)' },
	'.cm-content ::selection': { backgroundColor: 'var(--selection)' },
	'.cm-foldPlaceholder': {
		backgroundColor: 'var(--raised)',
		color: 'var(--muted)',
		border: '1px solid var(--line)',
		borderRadius: '4px',
		padding: '0 6px',
		margin: '0 4px',
		cursor: 'pointer',
	},
	'.name, .string': { unicodeBidi: 'isolate' },
	'.special': { color: 'var(--danger)', fontSize: '0.85em' },
	'.cm-lineNumbers .cm-gutterElement': { padding: '0 2px 0 8px' },
	'.name': { color: 'var(--json-name)' },
	'.string': { color: 'var(--json-string)' },
	'.number': { color: 'var(--json-number)' },
	'.word': { color: 'var(--json-word)' },
	'.found': { backgroundColor: 'var(--found)', outline: '1px solid var(--edge)' },
	'.changed': { backgroundColor: 'var(--news)', boxShadow: 'inset 3px 0 var(--focus)' },
});
