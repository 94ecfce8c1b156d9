/** Reads and writes of exact JSON through the client, which by itself parses what it reads and serializes what it sends. */
import {
	type ApiError,
	type Event,
	newIdempotencyKey,
	SESSIONS_PATH,
	type Session,
	sessionFields,
} from '../client/client.ts';
import { membersOf } from './json/text.ts';
import type { Connect } from './service.ts';

/** The four objects of a session, in the order that a generation makes them. */
export const OBJECTS = ['prd', 'plan', 'productObject', 'assemblyState'] as const;
export type ObjectName = (typeof OBJECTS)[number];

/** A session without its events. Its objects are JSON texts; 'null' where there is none. */
export interface ExactSession extends Omit<Session, ObjectName> {
	etag: string;
	objects: Readonly<Record<ObjectName, string>>;
}

/** Reads a session. Throws as the client does. */
export async function readSession(
	connect: Connect,
	id: string,
	options: { signal?: AbortSignal; maxRetries?: number } = {},
): Promise<ExactSession> {
	const {
		data,
		text,
		etag = '',
	} = await connect()
		.get(id, { ...options, fields: sessionFields })
		.withResponse();
	const members = membersOf(text);
	const objects = Object.fromEntries(OBJECTS.map((name) => [name, members.get(name) ?? 'null']));
	return { ...data, etag, objects: objects as Record<ObjectName, string> };
}

/** Reads the payload of an event as a JSON text. `previousId` is the id of the event before it, if there is one. */
export async function readPayload(
	connect: Connect,
	event: Event,
	previousId: string | undefined,
	signal: AbortSignal,
): Promise<string> {
	const { text } = await connect()
		.events(event.sessionId, { after: previousId, limit: 1, signal })
		.withResponse();
	// The page holds one event, between the brackets of its array.
	const page = membersOf(text).get('data') ?? '[]';
	return membersOf(page.slice(1, -1)).get('payload') ?? '{}';
}

/** Appends an event, given as a JSON text. */
export const appendExact = (connect: Connect, id: string, bodyText: string): Promise<unknown> =>
	connect().request('POST', `${SESSIONS_PATH}/${id}/events`, {
		bodyText,
		idempotencyKey: newIdempotencyKey(),
	});

/** What became of a write that must not undo what somebody else wrote. */
export type Written = { isWritten: true } | { isWritten: false; theirs: ExactSession };

const MAX_ATTEMPTS = 10;

/**
 * Writes a part of a session unless somebody else changed that part since it was read. Changes of other parts do not matter:
 * then it is written on the newer state. `part` is what must be as it was. Throws as the client does.
 */
export async function writeUnlessChanged(
	connect: Connect,
	base: ExactSession,
	part: (session: ExactSession) => string,
	write: (ifMatch: string) => Promise<unknown>,
): Promise<Written> {
	let current = base;
	for (let attempt = 1; ; attempt += 1) {
		try {
			await write(current.etag);
			return { isWritten: true };
		} catch (error) {
			const isStale = (error as Partial<ApiError>).code === 'PRECONDITION_FAILED';
			if (!isStale || attempt === MAX_ATTEMPTS) throw error;
		}
		current = await readSession(connect, base.id);
		if (part(current) !== part(base)) return { isWritten: false, theirs: current };
	}
}

/** Replaces one of the objects by a JSON text, unless somebody else changed it since `base` was read. */
export const writeObject = (
	connect: Connect,
	base: ExactSession,
	name: ObjectName,
	json: string,
): Promise<Written> =>
	writeUnlessChanged(
		connect,
		base,
		({ objects }) => objects[name],
		(ifMatch) =>
			connect().request('PATCH', `${SESSIONS_PATH}/${base.id}`, {
				bodyText: `{${JSON.stringify(name)}:${json}}`,
				ifMatch,
			}),
	);
