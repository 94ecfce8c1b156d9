import { eventsJsonParts } from '../events/json.ts';
import type { EventRow } from '../events/store.ts';
import type { SparseRow } from './read/store.ts';
import { columnOf, type DetailsField, objectColumns, type SessionField, sessionFields } from './schema.ts';

/** The JSON text of one field. The stored objects are spliced in as they are: parsing would lose what JavaScript cannot hold. */
function jsonOf(session: SparseRow, field: SessionField): string {
	const value = session[columnOf[field]] ?? null;
	return Object.hasOwn(objectColumns, field) && value !== null ? value : JSON.stringify(value);
}

/**
 * A session as it goes over the wire: the given fields in the documented order, `events` as the JSON text of its events.
 * All 14 fields by default.
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

/** The same in parts, none with more than one large object, from events that come some at a time. */
export async function* sessionJsonParts(
	session: SparseRow,
	fields: readonly DetailsField[],
	events: AsyncIterable<readonly EventRow[]> = NO_EVENTS,
): AsyncGenerator<string, void, undefined> {
	let separator = '{';
	for (const field of fields) {
		yield `${separator}"${field}":`;
		if (field === 'events') yield* eventsJsonParts(events);
		else yield jsonOf(session, field);
		separator = ',';
	}
	yield '}';
}

/** A list's sessions as a JSON array in parts, from sessions that come some at a time. */
export async function* sessionsJsonParts(
	batches: AsyncIterable<readonly SparseRow[]>,
	fields: readonly SessionField[],
): AsyncGenerator<string, void, undefined> {
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
