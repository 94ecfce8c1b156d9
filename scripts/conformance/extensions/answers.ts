import { Deviation, expectStatus, type JsonObject } from '../expect.ts';
import { type Json, Members, readJson, readObject, writeJson } from '../ordered-json.ts';
import type { Answer } from '../server.ts';

/** The ETag of a response in its strong form: an edge that compresses a response weakens it. Throws a Deviation without one. */
export function etagOf({ headers, request }: Answer): string {
	const etag = headers.get('ETag')?.replace(/^W\//, '') ?? '';
	if (!/^"[^"]+"$/.test(etag)) throw new Deviation(`${request}: there is no ETag`);
	return etag;
}

/** The body of a response, which must have this status, with the order of its members and the digits of its numbers. */
export function exactly(answer: Answer, status = 200): Members {
	expectStatus(answer, status);
	return readObject(answer.text);
}

/** JSON without white space, with the order of members and the digits of numbers. */
export const exactText = (value: Json | undefined): string =>
	value === undefined ? 'nothing' : writeJson(value);

/** The same for a text. */
export const exactTextOf = (json: string): string => writeJson(readJson(json));

/** The text of a session without its events. The order of the fields does not count, that of their members does. */
export const sessionText = (session: Members): string =>
	writeJson(
		new Members(session.list.filter(([name]) => name !== 'events').toSorted(([a], [b]) => (a < b ? -1 : 1))),
	);

/** The ids of an array of sessions or events. */
export const idsOf = (value: unknown): unknown[] =>
	Array.isArray(value) ? (value as JsonObject[]).map(({ id }) => id) : [];
