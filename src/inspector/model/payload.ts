import { roleOf } from './words.ts';

type Payload = Readonly<Record<string, unknown>>;

/** The fields that name what an event belongs to, where events name no stages. */
const NAMES = [
	'stage',
	'step',
	'task',
	'taskId',
	'phase',
	'node',
	'module',
	'agent',
	'component',
	'service',
	'tool',
	'name',
] as const;
/** The fields that say whether something begins, goes on or has ended. */
const STATES = ['state', 'status', 'phase'] as const;
/** The fields that are written for people, the clearest first. */
const TEXTS = ['message', 'msg', 'text', 'summary', 'description', 'title', 'content', 'delta'] as const;

const MAX_NAME = 255;
const MAX_GIST = 200;
const MAX_VALUE = 60;
const MAX_MEMBERS = 5;

/** What a payload says that its event belongs to. A number is a count more often than a name. */
export function namedIn(payload: Payload): string | undefined {
	for (const name of NAMES) {
		const value = payload[name];
		if (typeof value === 'string' && value !== '' && value.length <= MAX_NAME && roleOf(value) === 'other')
			return value;
	}
	return undefined;
}

/** The word by which a payload says that something begins, goes on or has ended. */
export function stateIn(payload: Payload): string | undefined {
	for (const name of STATES) {
		const value = payload[name];
		if (typeof value !== 'string') continue;
		const word = value.toLowerCase().replace(/^in.?progress$/, 'running');
		if (roleOf(word) !== 'other') return word;
	}
	return undefined;
}

/** What a payload says in short: its text, or else its first members. */
export function gistOf(payload: Payload): string | undefined {
	for (const name of TEXTS) {
		const value = payload[name];
		const text = typeof value === 'object' && value !== null && 'text' in value ? value.text : value;
		if (typeof text === 'string' && text.trim() !== '') return text.slice(0, MAX_GIST);
	}
	const members: string[] = [];
	const named = namedIn(payload);
	for (const [name, value] of Object.entries(payload)) {
		if (members.length === MAX_MEMBERS) break;
		if (value === named || value === '' || !['string', 'number', 'boolean'].includes(typeof value)) continue;
		members.push(`${name.slice(0, MAX_VALUE)}: ${String(value).slice(0, MAX_VALUE)}`);
	}
	return members.length === 0 ? undefined : members.join(', ').slice(0, MAX_GIST);
}
