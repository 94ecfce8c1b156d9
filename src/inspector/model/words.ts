import { lastWordOf } from './seen.ts';

/** What the type of an event says about what it names. */
export type Role = 'start' | 'end' | 'failure' | 'other';

export interface Words {
	/** What the event is about: the type without its last word. `module` of `module.started`. */
	about: string;
	word: string;
	role: Role;
}

const STARTS = new Set(
	'start started starting begin began begun entered opened retry retried retrying restarted'.split(' '),
);
const ENDS = new Set(
	'end ended finish finished done complete completed success succeeded passed ready built assembled generated written deployed rendered compiled resolved accepted stopped skipped cancelled canceled aborted closed exited'.split(
		' ',
	),
);
const FAILURES = new Set(['failed', 'failure', 'error', 'errored', 'crashed']);

const known = new Map<string, Words>();
/** Types are few. Hostile ones are not kept without a limit. */
const MAX_KNOWN = 5000;

export function wordsOf(type: string): Words {
	const before = known.get(type);
	if (before) return before;
	const word = lastWordOf(type);
	const about = type.slice(0, type.length - word.length).replace(/[^A-Za-z0-9]+$/, '');
	const role: Role = FAILURES.has(word)
		? 'failure'
		: STARTS.has(word)
			? 'start'
			: ENDS.has(word)
				? 'end'
				: 'other';
	const words = { about, word, role };
	if (known.size < MAX_KNOWN) known.set(type, words);
	return words;
}
