import type { Event } from '../../client/client.ts';
import { gistOf, isObject, namedIn, type Payload, partsIn, stateIn, WRAPPERS } from './payload.ts';
import { retryIn } from './retry.ts';
import { roleOf, wordsOf } from './words.ts';

/** An event as the page keeps it: without its payload, which is read again when somebody looks at it. */
export interface Seen {
	id: string;
	/** Its place in the session's log, from 1 on. */
	position: number;
	createdAt: string;
	/** The same in epoch milliseconds. */
	time: number;
	type: string;
	stage: string | null;
	message: string | null;
	/** What went wrong, if the event tells of a failure. */
	failure: string | undefined;
	/** Which attempt the payload, or the name of the stage, says that it belongs to. */
	attempt: number | undefined;
	/** What the payload says that it belongs to. */
	named: string | undefined;
	/** The word by which the payload says that something begins, goes on or has ended. */
	state: string | undefined;
	/** What the payload says in short, if the event has no message. */
	gist: string | undefined;
}

const MAX_REASON = 500;
/** The fields that a part has because something failed: `error`, `errorText`, `failure_reason`. */
const ERROR = /^(err|error|exception|failure)_?(message|msg|text|reason|description|details?)?$/i;
const errorsIn = (part: Payload): string[] =>
	Object.keys(part).filter((name) => ERROR.test(name) && part[name]);
/** The other fields that tell why something failed, the clearest first. */
const REASONS =
	'errors reason status message msg @message text summary detail details description cause stderr'.split(' ');

/** What an event says that it belongs to. */
export const stageOf = ({ stage, named }: Seen): string => stage ?? named ?? '';

export const positionOf = (id: string): number => Number(id.slice(4, 14));

export function seenFrom(event: Event): Seen {
	const { id, createdAt, type, stage, message, payload } = event;
	const named = namedIn(payload);
	const gist = message === null ? gistOf(payload, type) : undefined;
	return {
		id,
		position: positionOf(id),
		createdAt,
		time: Date.parse(createdAt),
		type,
		stage,
		message,
		failure: failureOf(event, gist),
		attempt: attemptIn(payload) ?? retryIn(stage ?? named ?? '')?.attempt,
		named,
		state: stateIn(payload),
		gist,
	};
}

/** The fields that say how something ended. */
const OUTCOMES = ['status', 'state', 'outcome', 'result', 'conclusion'];
/** The fields that say how bad something is. */
const LEVELS = ['level', 'severity', '@level'];

/**
 * An event tells of a failure when its type ends in a word such as `failed`, when its stage is such a word, or when its payload or an object in that does: by an
 * `error`, by `errors`, by `ok` or `success` being false, by a `status` that is such a word, or by an exit code.
 */
function failureOf({ type, stage, message, payload }: Event, gist: string | undefined): string | undefined {
	const isFailedStage = roleOf(stage?.toLowerCase() ?? '') === 'failure';
	const role = isFailedStage ? 'failure' : wordsOf(type).role;
	const parts = partsIn(payload);
	// What begins may tell why.
	const failed = (role === 'start' ? [payload] : parts).filter((part) => signIn(part) !== undefined);
	const sign = failed.map(signIn)[0];
	if (role !== 'failure' && sign === undefined) return undefined;
	const told = role === 'failure' ? partsIn(payload, WRAPPERS) : [payload];
	return (reasonIn([...told, ...failed]) || message || sign || gist || type).slice(0, MAX_REASON);
}

/** By what an object tells of a failure. */
function signIn(part: Payload): string | undefined {
	const { errors, exitCode, level, msg } = part;
	// Some programs send an empty `error` with each event.
	const told = errorsIn(part)[0] ?? ['ok', 'success'].find((name) => part[name] === false);
	if (told) return `${told}: ${part[told]}`;
	// The levels of pino and bunyan.
	if (typeof level === 'number' && level >= 50 && msg) return `level: ${level}`;
	if (Array.isArray(errors) && errors.length > 0) return 'errors';
	if (typeof exitCode === 'number' && exitCode !== 0) return `exitCode: ${exitCode}`;
	return outcomeIn(part, [...OUTCOMES, ...LEVELS]);
}

/** The field of an object that says that it ended in a failure, with what it says. */
export function outcomeIn(part: Payload, names = OUTCOMES): string | undefined {
	for (const name of names) {
		const value = part[name];
		const outcome = isObject(value) ? value.code : value;
		if (typeof outcome === 'string' && roleOf(outcome.toLowerCase()) === 'failure')
			return `${name}: ${outcome}`;
	}
	return undefined;
}

/** Why something failed, by the first of the objects that tell it. */
export function reasonIn(parts: readonly Payload[]): string | undefined {
	const errors = parts.flatMap((part) => errorsIn(part).map((name) => textOf(part[name], name)));
	const others = REASONS.flatMap((name) => parts.map((part) => textOf(part[name], name)));
	return [...errors, ...others].find((text) => text !== '');
}

/** A reason as a text: itself, the first of several, or what an object of an error says. */
function textOf(value: unknown, field: string): string {
	if (Array.isArray(value)) return textOf(value[0], field);
	// A status is a reason where it has a text.
	if (typeof value === 'string' && field !== 'status') return value;
	if (!isObject(value) || (field === 'status' && typeof value.message !== 'string')) return '';
	const { name, type, code, message } = value;
	const kind = [name, type, code].find((each) => typeof each === 'string' && each !== '');
	if (typeof message !== 'string') return kind === undefined ? JSON.stringify(value) : String(kind);
	return kind === undefined ? message : `${kind}: ${message}`;
}

function attemptIn(payload: Payload): number | undefined {
	const told = partsIn(payload).flatMap(({ attempt, try: tried, run_attempt }) => [
		attempt,
		tried,
		run_attempt,
	]);
	return told.find((each) => typeof each === 'number' && Number.isInteger(each)) as number | undefined;
}
