/** Reads and writes of exact JSON through the client, which by itself parses what it reads and serializes what it sends. */
import { type ApiError, type Client, type Event, etagOf, type SessionDetails } from '../client/client.ts';
import { membersOf } from './json/text.ts';
import type { Connect } from './service.ts';

/** The four objects of a session, in the order that a generation makes them. */
export const OBJECTS = ['prd', 'plan', 'productObject', 'assemblyState'] as const;
export type ObjectName = (typeof OBJECTS)[number];

const FIELDS = [
	...OBJECTS,
	'catalogVersion',
	'createdAt',
	'expiresAt',
	'id',
	'organizationId',
	'productObjectHash',
	'schemaVersion',
	'status',
	'updatedAt',
	'userId',
] as const;

/** A session without its events. Its objects are JSON texts; 'null' where there is none. */
export interface ExactSession extends Omit<Pick<SessionDetails, (typeof FIELDS)[number]>, ObjectName> {
	etag: string;
	objects: Readonly<Record<ObjectName, string>>;
}

/** Reads with a client and returns what the client returns, and the text that it came from. */
async function withText<T>(
	connect: Connect,
	read: (client: Client) => Promise<T>,
): Promise<{ value: T; text: string }> {
	let text = '';
	const client = connect(async (url, init) => {
		const response = await fetch(url, init);
		text = await response.clone().text();
		return response;
	});
	return { value: await read(client), text };
}

/** Reads a session. Throws as the client does. */
export async function readSession(
	connect: Connect,
	id: string,
	options: { signal?: AbortSignal; maxRetries?: number } = {},
): Promise<ExactSession> {
	const { value, text } = await withText(connect, (client) => client.get(id, { ...options, fields: FIELDS }));
	const members = membersOf(text);
	const objects = Object.fromEntries(OBJECTS.map((name) => [name, members.get(name) ?? 'null']));
	return { ...value, etag: etagOf(value) ?? '', objects: objects as Record<ObjectName, string> };
}

/** Reads the payload of an event as a JSON text. `previousId` is the id of the event before it, if there is one. */
export async function readPayload(
	connect: Connect,
	event: Event,
	previousId: string | undefined,
	signal: AbortSignal,
): Promise<string> {
	const { text } = await withText(connect, (client) =>
		client.events(event.sessionId, { after: previousId, limit: 1, signal }),
	);
	// The page holds one event, between the brackets of its array.
	const page = membersOf(text).get('data') ?? '[]';
	return membersOf(page.slice(1, -1)).get('payload') ?? '{}';
}

/** A client whose writes send this JSON text as their body. */
export const writing = (connect: Connect, body: string): Client =>
	connect((url, init) => fetch(url, { ...init, body }));

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
		(ifMatch) => writing(connect, `{${JSON.stringify(name)}:${json}}`).update(base.id, {}, { ifMatch }),
	);
