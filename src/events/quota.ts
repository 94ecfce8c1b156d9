import { ApiError } from '../core/errors.ts';
import type { Settings } from '../core/settings.ts';
import { utf8Length } from '../core/text.ts';
import type { Appended, NewEvent } from './append-store.ts';

/** What a session may have in events. */
export type EventQuota = Pick<Settings, 'MAX_EVENTS_PER_SESSION' | 'MAX_EVENT_BYTES_PER_SESSION'>;

/** The bytes of an event that count: its content in UTF-8. */
export const bytesOf = ({ type, stage, message, payload }: NewEvent): number =>
	utf8Length(type) + utf8Length(stage ?? '') + utf8Length(message ?? '') + utf8Length(payload);

export const totalBytes = (events: readonly NewEvent[]): number =>
	events.reduce((all, event) => all + bytesOf(event), 0);

/** Throws QUOTA_EXCEEDED when the session cannot take these events. The sentence names the quota and its value. */
export function checkEventQuota(
	{ latestEvent, eventBytes }: Pick<Appended, 'latestEvent' | 'eventBytes'>,
	events: readonly NewEvent[],
	{ MAX_EVENTS_PER_SESSION: max, MAX_EVENT_BYTES_PER_SESSION: maxBytes }: EventQuota,
): void {
	const goOn = 'Nothing was written. Go on in a new session.';
	if (latestEvent + events.length > max) {
		throw new ApiError(
			'QUOTA_EXCEEDED',
			`A session may have ${max} events (MAX_EVENTS_PER_SESSION). This one has ${latestEvent}, and ${events.length} more were sent. ${goOn}`,
		);
	}
	const bytes = totalBytes(events);
	if (eventBytes + bytes > maxBytes) {
		throw new ApiError(
			'QUOTA_EXCEEDED',
			`The events of a session may have ${maxBytes} bytes in all (MAX_EVENT_BYTES_PER_SESSION). Those of this one have ${eventBytes}, and ${bytes} more were sent. ${goOn}`,
		);
	}
}
