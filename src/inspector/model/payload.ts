import { roleOf } from './words.ts';

export type Payload = Readonly<Record<string, unknown>>;

/** The fields that name what an event belongs to, where events name no stages. */
const NAMES =
	'stage stageName stage_name step stepName step_name agentName agent_name agentId agent_id task taskName task_name taskId task_id phase node nodeName node_name module agent component service job jobName job_name activity tool toolName tool_name name subject activityId'.split(
		' ',
	);
/** The fields that say whether something begins, goes on or has ended. */
const STATES = ['state', 'status', 'phase', 'action'] as const;
/** The fields that are written for people, the clearest first. */
const TEXTS = ['message', 'msg', 'text', 'summary', 'description', 'title', 'content', 'delta'] as const;

const MAX_NAME = 255;
const MAX_GIST = 200;
const MAX_VALUE = 60;
const MAX_MEMBERS = 5;

/** The objects of a payload that wrap what it belongs to, such as `workflow_job` and `data`. */
export const WRAPPERS =
	/stage|step|task|node|module|agent|component|service|job|activity|tool|function|detail|^(involved)?object$|^(data|body)$/i;
/** Those that tell of something else: of what was asked for, or of what was before. */
const ELSEWHERE =
	/^(input|arg|param|request|config|option|setting|previous|before|old|last|retry|context|env)/i;
const MAX_PARTS = 20;

export const isObject = (value: unknown): value is Payload =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** A payload, and then the objects in it, or those with certain names. */
export function partsIn(payload: Payload, names = /^/): Payload[] {
	const parts = [payload];
	for (const [name, value] of Object.entries(payload)) {
		if (parts.length > MAX_PARTS) break;
		if (isObject(value) && names.test(name) && !ELSEWHERE.test(name)) parts.push(value);
	}
	return parts;
}

/** What a payload says that its event belongs to. A number is a count more often than a name. */
export function namedIn(payload: Payload): string | undefined {
	for (const part of partsIn(payload, WRAPPERS)) {
		for (const name of NAMES) {
			const value = part[name];
			if (typeof value === 'string' && value !== '' && value.length <= MAX_NAME && roleOf(value) === 'other')
				return value;
		}
	}
	return undefined;
}

/** The word by which a payload says that something begins, goes on or has ended. */
export function stateIn(payload: Payload): string | undefined {
	for (const part of partsIn(payload, WRAPPERS)) {
		for (const name of STATES) {
			const value = part[name];
			if (typeof value !== 'string') continue;
			const word = value.toLowerCase().replace(/^in.?progress$/, 'running');
			if (roleOf(word) !== 'other') return word;
		}
	}
	return undefined;
}

/** What the payload of an event of a type says in short: its text, or else its first members. */
export function gistOf(payload: Payload, type: string): string | undefined {
	for (const name of TEXTS) {
		const value = payload[name];
		const text = typeof value === 'object' && value !== null && 'text' in value ? value.text : value;
		if (typeof text === 'string' && text.trim() !== '') return text.slice(0, MAX_GIST);
	}
	const members = new Set<string>();
	const said = ['', type, namedIn(payload)];
	// What is wrapped tells more than its envelope.
	for (const part of new Set([...partsIn(payload, WRAPPERS).slice(1), ...partsIn(payload)])) {
		for (const [name, value] of Object.entries(part)) {
			if (members.size === MAX_MEMBERS) break;
			if (said.includes(value as string) || !['string', 'number', 'boolean'].includes(typeof value)) continue;
			members.add(`${name.slice(0, MAX_VALUE)}: ${String(value).slice(0, MAX_VALUE)}`);
		}
	}
	return members.size === 0 ? undefined : [...members].join(', ').slice(0, MAX_GIST);
}
