import type { Event } from '../../client/client.ts';

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
	/** Which attempt the payload says that it belongs to. */
	attempt: number | undefined;
}

const MAX_REASON = 500;
/** The fields of a payload that tell why something failed, the clearest first. */
const REASONS = ['error', 'reason', 'message', 'detail', 'cause'] as const;

export const positionOf = (id: string): number => Number(id.slice(4, 14));

export function seenFrom(event: Event): Seen {
	const { id, createdAt, type, stage, message } = event;
	return {
		id,
		position: positionOf(id),
		createdAt,
		time: Date.parse(createdAt),
		type,
		stage,
		message,
		failure: failureOf(event),
		attempt: attemptOf(event.payload),
	};
}

/** The last word of a type: `module.build-failed` ends in `failed`. */
export const lastWordOf = (type: string): string =>
	/[A-Za-z0-9]+$/.exec(type.replace(/([a-z0-9])([A-Z])/g, '$1 $2'))?.[0]?.toLowerCase() ?? '';

const isFailed = (type: string): boolean => /^(failed|failure|error|errored)$/.test(lastWordOf(type));

/** An event tells of a failure when its type ends in `failed` or `error`, or its payload has an `error`. */
function failureOf({ type, message, payload }: Event): string | undefined {
	// Some programs send an empty one with each event.
	if (!payload.error && !isFailed(type)) return undefined;
	const reason = REASONS.map((name) => textOf(payload[name])).find((text) => text !== '') || message || type;
	return reason.slice(0, MAX_REASON);
}

/** A reason as a text: itself, or what an object of an error says. */
function textOf(value: unknown): string {
	if (typeof value === 'string') return value;
	if (typeof value !== 'object' || value === null) return '';
	const { name, type, code, message } = value as Record<string, unknown>;
	const kind = [name, type, code].find((each) => typeof each === 'string' && each !== '');
	if (typeof message !== 'string') return kind === undefined ? JSON.stringify(value) : String(kind);
	return kind === undefined ? message : `${kind}: ${message}`;
}

function attemptOf(payload: Record<string, unknown>): number | undefined {
	const told = payload.attempt ?? payload.try;
	return typeof told === 'number' && Number.isInteger(told) ? told : undefined;
}
