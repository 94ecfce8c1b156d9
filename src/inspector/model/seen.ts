import type { Event } from '../../client/client.ts';
import { gistOf, namedIn, stateIn } from './payload.ts';
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
/** The fields of a payload that tell why something failed, the clearest first. */
const REASONS = [
	'error',
	'errors',
	'err',
	'exception',
	'reason',
	'message',
	'detail',
	'details',
	'description',
	'cause',
	'stderr',
] as const;

/** What an event says that it belongs to. */
export const stageOf = ({ stage, named }: Seen): string => stage ?? named ?? '';

export const positionOf = (id: string): number => Number(id.slice(4, 14));

export function seenFrom(event: Event): Seen {
	const { id, createdAt, type, stage, message, payload } = event;
	const named = namedIn(payload);
	const gist = message === null ? gistOf(payload) : undefined;
	return {
		id,
		position: positionOf(id),
		createdAt,
		time: Date.parse(createdAt),
		type,
		stage,
		message,
		failure: failureOf(event, gist),
		attempt: attemptOf(payload) ?? retryIn(stage ?? named ?? '')?.attempt,
		named,
		state: stateIn(payload),
		gist,
	};
}

/** The fields of a payload that say how something ended. */
const OUTCOMES = ['status', 'state', 'outcome', 'result', 'level', 'severity'] as const;

/**
 * An event tells of a failure when its type ends in a word such as `failed`, or when its payload does: by an `error`, by `errors`,
 * by `ok` or `success` being false, by a `status` that is such a word, or by an exit code.
 */
function failureOf({ type, message, payload }: Event, gist: string | undefined): string | undefined {
	if (wordsOf(type).role !== 'failure' && !isFailed(payload)) return undefined;
	const { status } = payload;
	const reasons = [...REASONS.map((name) => payload[name]), isObject(status) ? status : undefined];
	const told = reasons.map(textOf).find((text) => text !== '');
	const reason = told || message || gist || type;
	return reason.slice(0, MAX_REASON);
}

function isFailed(payload: Record<string, unknown>): boolean {
	const { error, err, exception, errors, ok, success, exitCode } = payload;
	// Some programs send an empty `error` with each event.
	if (error || err || exception || ok === false || success === false) return true;
	if (Array.isArray(errors) && errors.length > 0) return true;
	if (typeof exitCode === 'number' && exitCode !== 0) return true;
	return OUTCOMES.some((name) => {
		const told = payload[name];
		const outcome = isObject(told) ? told.code : told;
		return typeof outcome === 'string' && roleOf(outcome.toLowerCase()) === 'failure';
	});
}

const isObject = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null;

/** A reason as a text: itself, the first of several, or what an object of an error says. */
function textOf(value: unknown): string {
	if (typeof value === 'string') return value;
	if (Array.isArray(value)) return textOf(value[0]);
	if (!isObject(value)) return '';
	const { name, type, code, message } = value;
	const kind = [name, type, code].find((each) => typeof each === 'string' && each !== '');
	if (typeof message !== 'string') return kind === undefined ? JSON.stringify(value) : String(kind);
	return kind === undefined ? message : `${kind}: ${message}`;
}

function attemptOf(payload: Record<string, unknown>): number | undefined {
	const told = payload.attempt ?? payload.try;
	return typeof told === 'number' && Number.isInteger(told) ? told : undefined;
}
