/** What the type of an event says about what it names. */
export type Role = 'start' | 'end' | 'failure' | 'other';

export interface Words {
	/** What the event is about: the type without its last word. `module` of `module.started`. */
	about: string;
	word: string;
	role: Role;
}

const STARTS = new Set(
	'start started starting begin began begun enter entered opened running processing executing working active initiated invoked launched spawned resumed retry retried retrying restarted'.split(
		' ',
	),
);
const ENDS = new Set(
	'end ended finish finished done ok stop stopped exit exited leave left close closed complete completed success succeed succeeded successful passed ready returned built assembled generated written deployed rendered compiled resolved accepted skipped cancelled canceled'.split(
		' ',
	),
);
const FAILURES = new Set(
	'fail failed failure error errored exception fatal critical panic crash crashed timeout timedout abort aborted killed rejected refused denied bounced exceeded exhausted died dead broke broken faulted lost unsuccessful unavailable unhealthy interrupted'.split(
		' ',
	),
);

const known = new Map<string, Words>();
/** Types are few. Hostile ones are not kept without a limit. */
const MAX_KNOWN = 5000;

/** A type without the version at its end, and with one last word where it has two: `build.started` of `build.started.v1`. */
const withoutVersion = (type: string): string =>
	type
		.replace(/[^\p{L}\p{N}]+v\d+$/iu, '')
		.replace(/timed[-_ ]?out$/i, 'Timedout')
		.replace(/(?<!\p{L})in[-_ ]progress$/iu, 'Running');

/** The last word of a type: `module.build-failed` ends in `failed`. */
const lastWordOf = (type: string): string =>
	/[\p{L}\p{M}\p{N}]+$/u
		.exec(type.replace(/(\p{Ll}|\p{N})(\p{Lu})|(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1$3 $2$4'))?.[0]
		?.toLowerCase() ?? '';

export function wordsOf(type: string): Words {
	const before = known.get(type);
	if (before) return before;
	const bare = withoutVersion(type);
	const word = lastWordOf(bare);
	const about = bare.slice(0, bare.length - word.length).replace(/[^\p{L}\p{M}\p{N}]+$/u, '');
	const words = { about, word, role: roleOf(word) };
	if (known.size < MAX_KNOWN) known.set(type, words);
	return words;
}

/** What a word says when it stands alone, such as a status. */
export function roleOf(word: string): Role {
	if (FAILURES.has(word)) return 'failure';
	if (STARTS.has(word)) return 'start';
	return ENDS.has(word) ? 'end' : 'other';
}

const ANSWERS = ['result', 'response', 'reply', 'answer', 'return', 'returned'];
const IRREGULAR: Record<string, string[]> = {
	build: ['built'],
	write: ['written'],
	send: ['sent'],
	make: ['made'],
	call: ANSWERS,
	request: ANSWERS,
	query: ANSWERS,
};

/** The words that tell of the end of what a word tells of: `rendered` of `render` and of `rendering`. */
function endsOf(word: string): string[] {
	const stem = word.replace(/ing$/, '');
	return [
		`${stem}ed`,
		`${stem}d`,
		`${stem}${stem.at(-1)}ed`,
		stem.replace(/y$/, 'ied'),
		...(IRREGULAR[stem] ?? []),
		...(IRREGULAR[`${stem}e`] ?? []),
	].filter((each) => each !== word);
}

/**
 * What types say in a session that has all of them: a word that tells of nothing alone begins something when another type
 * tells of its end, as `scene:render` does beside `scene:rendered`, and `ToolCall` beside `ToolResult`.
 */
export function wordsAmong(types: ReadonlySet<string>): (type: string) => Words {
	const lower = new Map([...types].map((type) => [withoutVersion(type).toLowerCase(), type]));
	const learned = new Map<string, Words>();
	for (const type of types) {
		const words = wordsOf(type);
		if (words.role !== 'other' || words.word === '') continue;
		const bare = withoutVersion(type).toLowerCase();
		const before = bare.slice(0, bare.length - words.word.length);
		const ends = endsOf(words.word).flatMap((end) => lower.get(before + end) ?? []);
		if (ends.length === 0) continue;
		learned.set(type, { ...words, role: 'start' });
		for (const end of ends) {
			if (wordsOf(end).role === 'other') learned.set(end, { ...wordsOf(end), role: 'end' });
		}
	}
	return (type) => learned.get(type) ?? wordsOf(type);
}
