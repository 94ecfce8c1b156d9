import type { EventRow } from './row-store.ts';

/** An event on the wire: nine fields. The payload is inserted in its stored form. */
export const eventJson = (event: EventRow): string =>
	`{"createdAt":${JSON.stringify(event.created_at)},"id":${JSON.stringify(event.id)},"message":${JSON.stringify(
		event.message,
	)},"organizationId":${JSON.stringify(event.organization_id)},"payload":${event.payload},"sessionId":${JSON.stringify(
		event.session_id,
	)},"stage":${JSON.stringify(event.stage)},"type":${JSON.stringify(event.type)},"userId":${JSON.stringify(
		event.user_id,
	)}}`;

/** Events as a JSON array. */
export const eventsJson = (events: readonly EventRow[]): string => `[${events.map(eventJson).join(',')}]`;

/** The same in parts, from events that arrive in batches. */
export async function* eventsJsonParts(
	batches: AsyncIterable<readonly EventRow[]>,
): AsyncGenerator<string, void, undefined> {
	let separator = '[';
	for await (const events of batches) {
		for (const event of events) {
			yield separator + eventJson(event);
			separator = ',';
		}
	}
	yield separator === '[' ? '[]' : ']';
}
