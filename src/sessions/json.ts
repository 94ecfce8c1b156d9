import { eventsJsonParts } from '../events/json.ts';
import type { EventRow } from '../events/row-store.ts';
import { columnOf, type DetailsField, isObjectField, type SessionField, sessionFields } from './fields.ts';
import type { SparseRow } from './row-store.ts';

/** The JSON of one field. Stored objects are inserted unchanged, because parsing would lose information. */
export function jsonOf<Content = string>(session: SparseRow<Content>, field: SessionField): string | Content {
	if (!isObjectField(field)) return JSON.stringify(session[columnOf[field]] ?? null);
	return session[columnOf[field]] ?? 'null';
}

/**
 * A session on the wire: the given fields in the documented order, with `events` as the JSON text of its events. By
 * default all 14 fields.
 */
export const sessionJson = (
	session: SparseRow,
	fields: readonly DetailsField[] = sessionFields,
	events = '[]',
): string => {
	const members = fields.map((field) => `"${field}":${field === 'events' ? events : jsonOf(session, field)}`);
	return `{${members.join(',')}}`;
};

const NO_EVENTS = (async function* () {})();

/** The same in parts with at most one large object each, from events that arrive in batches. */
export async function* sessionJsonParts<Content>(
	session: SparseRow<Content>,
	fields: readonly DetailsField[],
	events: AsyncIterable<readonly EventRow[]> = NO_EVENTS,
): AsyncGenerator<string | Content, void, undefined> {
	let separator = '{';
	for (const field of fields) {
		yield `${separator}"${field}":`;
		if (field === 'events') yield* eventsJsonParts(events);
		else yield jsonOf(session, field);
		separator = ',';
	}
	yield '}';
}

/** The sessions of a list as a JSON array in parts, from sessions that arrive in batches. */
export async function* sessionsJsonParts<Content>(
	batches: AsyncIterable<readonly SparseRow<Content>[]>,
	fields: readonly SessionField[],
): AsyncGenerator<string | Content, void, undefined> {
	let separator = '[';
	for await (const sessions of batches) {
		for (const session of sessions) {
			yield separator;
			yield* sessionJsonParts(session, fields);
			separator = ',';
		}
	}
	yield separator === '[' ? '[]' : ']';
}
