/** Reads and writes of exact JSON through the client, which by itself parses what it reads and serializes what it sends. */
import {
	type ApiError,
	newIdempotencyKey,
	SESSIONS_PATH,
	type Session,
	sessionFields,
} from '../client/client.ts';
import { type Change, conflictsIn, patchOf } from './json/patch.ts';
import { itemsOf, membersOf } from './json/text.ts';
import { type ExactObjects, OBJECTS, type ObjectName } from './model/object-names.ts';
import type { Connect } from './service.ts';

/** The fields of a session that are small. */
export const HEAD_FIELDS = sessionFields.filter(
	(field): field is Exclude<keyof Session, ObjectName> => !(OBJECTS as readonly string[]).includes(field),
);

/** A session without its events and objects. */
export interface SessionHead extends Omit<Session, ObjectName> {
	etag: string;
}

/** A session without its events. Its objects are JSON texts; 'null' where there is none. */
export interface ExactSession extends SessionHead {
	objects: ExactObjects;
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

/** Where an event is: after one, before one, or both. The first event has none before it. */
export interface EventPlace {
	sessionId: string;
	previousId: string | undefined;
	nextId: string | undefined;
	isFirst: boolean;
}

/** Reads the payload of an event as a JSON text. */
export async function readPayload(
	connect: Connect,
	{ sessionId, previousId, nextId, isFirst }: EventPlace,
	signal: AbortSignal,
): Promise<string> {
	const isAfter = isFirst || previousId !== undefined;
	const place = isAfter ? { after: previousId } : { after: nextId, order: 'desc' as const };
	const { text } = await connect()
		.events(sessionId, { ...place, limit: 1, signal })
		.withResponse();
	const [event = '{}'] = itemsOf(membersOf(text).get('data') ?? '[]');
	return membersOf(event).get('payload') ?? '{}';
}

/** Appends an event, given as a JSON text. */
export const appendExact = (connect: Connect, id: string, bodyText: string): Promise<unknown> =>
	connect().request('POST', `${SESSIONS_PATH}/${id}/events`, {
		bodyText,
		idempotencyKey: newIdempotencyKey(),
	});

/** What became of a write that must not undo what somebody else wrote. */
export type Written = { isWritten: true } | { isWritten: false; theirs: ExactSession };

/** Objects that change all the time let a write in between two changes. */
const MAX_ATTEMPTS = 30;

/**
 * Writes unless somebody else changed the same meanwhile. Changes of other parts do not matter: then it is written on the newer
 * state. `isInTheWay` says whether a newer state forbids the write. Throws as the client does.
 */
export async function writeUnlessChanged(
	connect: Connect,
	base: SessionHead,
	write: (ifMatch: string) => Promise<unknown>,
	isInTheWay: (session: ExactSession) => boolean,
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
		const theirs = await readSession(connect, base.id);
		if (isInTheWay(theirs)) return { isWritten: false, theirs };
		current = theirs;
	}
}

/** How a change of an object was written. */
export type Saved =
	| { isWritten: true }
	| { isWritten: false; theirs: ExactSession; conflicts: readonly Change[] };

/**
 * Writes what somebody changed in one of the objects, as `base` was when they began: only the members that differ, so that what
 * others write into the same object stays. It is written on the newest state, unless another writer changed one of the same
 * members. An edit that no merge patch can express replaces the object by `json`, and only while nobody else changed it.
 */
export async function saveChanges(
	connect: Connect,
	base: ExactSession,
	name: ObjectName,
	changes: readonly Change[],
	json: string,
): Promise<Saved> {
	const stored = base.objects[name];
	const patch = stored === 'null' || changes.length === 0 ? undefined : patchOf(changes);
	const path = `${SESSIONS_PATH}/${base.id}`;
	const write = (ifMatch: string) =>
		connect().request('PATCH', path, {
			bodyText: `{${JSON.stringify(name)}:${patch ?? json}}`,
			...(patch !== undefined && { contentType: 'application/merge-patch+json' }),
			ifMatch,
		});
	let conflicts: readonly Change[] = [];
	const written = await writeUnlessChanged(connect, base, write, ({ objects }) => {
		const theirs = objects[name];
		if (theirs === stored) return false;
		conflicts = patch === undefined || theirs === 'null' ? changes : conflictsIn(changes, theirs);
		return patch === undefined || theirs === 'null' || conflicts.length > 0;
	});
	return written.isWritten ? written : { ...written, conflicts };
}
